"""A scikit-learn model as MLServer and MLflow serve it: `make_models.py FOLDER`. Prints rows and what they are answered with."""

import json
import sys
from pathlib import Path

import joblib
import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

folder = Path(sys.argv[1])
table, kinds = load_iris(return_X_y=True)
model = LogisticRegression(max_iter=1000).fit(table, kinds)

mlserver = folder / "mlserver"
mlserver.mkdir()
joblib.dump(model, mlserver / "model.joblib")
settings = {
    "name": "iris",
    "implementation": "mlserver_sklearn.SKLearnModel",
    "parameters": {"uri": "./model.joblib", "version": "1"},
    "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 4]}],
    "outputs": [{"name": "predict", "datatype": "INT64", "shape": [-1, 1]}],
}
(mlserver / "model-settings.json").write_text(json.dumps(settings))

mlflow.sklearn.save_model(model, folder / "mlflow")

rows = table[::7]
print(json.dumps({"rows": rows.tolist(), "kinds": model.predict(rows).tolist()}))
