"""What the Python peers do for an event, without network: shared by both measurements.

A body is what producers send, JSON with `request_id`, `model`, `model_version` and `features`; a result is what the usual service
sends back.
"""

import json
import sys
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd

MODELS = Path(__file__).resolve().parents[2] / "samples" / "models"
sys.path.insert(0, str(MODELS))


def trained(name):
    """The scikit-learn pipeline behind a sample model."""
    import train

    return train.MODELS[name]()[0].estimator


def result(request, prediction):
    body = {
        "request_id": request.get("request_id"),
        "prediction": prediction,
        "model_version": request.get("model_version"),
        "timestamp": datetime.now(timezone.utc).isoformat(),
    }
    return json.dumps(body)


def one_by_one(estimator):
    """The usual loop: scikit-learn on one row of numbers."""

    def score(body):
        request = json.loads(body)
        features = np.array(request["features"]).reshape(1, -1)
        return result(request, float(estimator.predict(features)[0]))

    return score


def one_frame_each(estimator):
    """The usual loop for records: a DataFrame of one row."""

    def score(body):
        request = json.loads(body)
        return result(request, str(estimator.predict(pd.DataFrame([request["features"]]))[0]))

    return score


def batched(name, version):
    """A careful batch: one run of ONNX Runtime for all of it, the probabilities in the results as hubscore has them."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(MODELS / name / version / "model.onnx"), options)
    inputs = session.get_inputs()
    kinds = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(string)": object}

    def feeds(requests):
        if len(inputs) == 1:
            return {inputs[0].name: np.array([r["features"] for r in requests], np.float32)}
        return {
            i.name: np.array([[r["features"][i.name]] for r in requests], kinds[i.type]) for i in inputs
        }

    def score(bodies):
        requests = [json.loads(body) for body in bodies]
        labels, probabilities = session.run(["label", "probabilities"], feeds(requests))
        labels, probabilities = labels.tolist(), probabilities.tolist()
        now = datetime.now(timezone.utc).isoformat()
        return [
            json.dumps({
                "request_id": request.get("request_id"),
                "model": name,
                "model_version": version,
                "prediction": label,
                "probabilities": row,
                "confidence": max(row),
                "timestamp": now,
            })
            for request, label, row in zip(requests, labels, probabilities)
        ]

    return score
