"""LightGBM: boosted trees for several classes. `pip install -r requirements.txt`"""

import lightgbm
import numpy as np
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score

from hubscore_model import arguments, check_parity, fingerprint, save
from hubscore_profile import profile

args = arguments(__doc__)
data = load_wine()
# Trees compare with thresholds: what is trained in float64 and served in float32 may fall on the other side of one.
X, y = data.data.astype(np.float32), data.target
model = lightgbm.LGBMClassifier(n_estimators=40, num_leaves=7, min_child_samples=5, random_state=1, n_jobs=1, verbose=-1)
accuracy = cross_val_score(model, X, y).mean()
model.fit(X, y)

# zipmap=False: probabilities as a tensor
onnx = convert_lightgbm(model, initial_types=[("input", FloatTensorType([None, X.shape[1]]))], zipmap=False).SerializeToString()
labels, probabilities = model.predict(X), model.predict_proba(X)
check_parity(onnx, {"input": X}, {"label": labels, "probabilities": probabilities})

card = {
    "name": "cultivar",
    "task": "classification",
    "description": "Which of three cultivars a wine is from",
    "training_data_hash": fingerprint(X, y),
    "features": [{"name": name, "type": "number", "input": "input"} for name in data.feature_names],
    "outputs": {"label": "label", "probabilities": "probabilities", "classes": [0, 1, 2]},
    "metrics": {"accuracy": round(accuracy, 3)},
    "hyperparameters": {"n_estimators": 40, "num_leaves": 7},
}
cases = [
    {"request_id": f"wine-{i}", "features": X[i].tolist(), "expected": {"label": int(labels[i]), "probabilities": probabilities[i].tolist()}}
    for i in range(0, len(X), 9)
]
columns = dict(zip(data.feature_names, X.T.tolist(), strict=True))
save(args, onnx, card, cases, profile(card["features"], columns, labels.tolist(), probabilities.max(axis=1)))
