"""The logistic sample model as a BentoML service; `model.joblib` lies in the folder it is started in."""

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1)
class Diabetes:
    def __init__(self):
        self.model = joblib.load("model.joblib")

    @bentoml.api
    def predict(self, features: list[list[float]]) -> list[int]:
        return self.model.predict(np.array(features)).tolist()
