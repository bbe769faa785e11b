"""scikit-learn: a regressor whose card fills gaps and refuses the impossible. `pip install -r requirements.txt`

More kinds (texts, categories, several inputs, two versions): ../models/train.py
"""

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from hubscore_model import arguments, check_parity, fingerprint, save
from hubscore_profile import profile

args = arguments(__doc__)
data = load_diabetes(scaled=False)
X, y = data.data.astype(np.float32), data.target
model = make_pipeline(StandardScaler(), PolynomialFeatures(2), StandardScaler(with_std=False), RidgeCV(np.logspace(0, 4, 20)))
r2 = cross_val_score(model, X, y, scoring="r2").mean()
model.fit(X, y)

onnx = to_onnx(model, X[:1]).SerializeToString()
check_parity(onnx, {"X": X}, {"variable": model.predict(X)}, tolerance=1e-4)

low, high, middle = X.min(axis=0), X.max(axis=0), np.median(X, axis=0)
card = {
    "name": "progression",
    "task": "regression",
    "description": "How far diabetes has gone after a year",
    "training_data_hash": fingerprint(X, y),
    "features": [
        {"name": name, "type": "number", "input": "X", "missing": {"fill": float(middle[i])},
         "range": [float(low[i] - (high[i] - low[i])), float(high[i] + (high[i] - low[i]))]}
        for i, name in enumerate(data.feature_names)
    ],
    "outputs": {"value": "variable"},
    "metrics": {"r2": round(r2, 3)},
    "hyperparameters": {"alpha": float(model[-1].alpha_)},
}
cases = [
    {"request_id": f"patient-{i}", "features": dict(zip(data.feature_names, X[i].tolist())), "expected": {"value": float(model.predict(X[[i]])[0])}}
    for i in range(20)
]
filled = [None, *X[0].tolist()[1:]]  # a gap is filled as the card says
expected = float(model.predict(np.array([[middle[0], *X[0][1:]]], dtype=np.float32))[0])
cases.append({"request_id": "gap", "features": filled, "expected": {"value": expected}})
save(args, onnx, card, cases, profile(card["features"], dict(zip(data.feature_names, X.T.tolist(), strict=True))))
