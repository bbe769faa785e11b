"""Train the sample models and write them as hubscore wants them in Blob Storage.

    python -m venv .venv && .venv/bin/pip install -r samples/models/requirements.txt
    .venv/bin/python samples/models/train.py [diabetes churn topic sentiment]

Every model is trained on `<name>/train.csv` and written to `<name>/<version>/`:

    model.onnx    the model, as onnxruntime runs it
    model.json    the card: features, outputs, classes, metrics, hashes
    cases.jsonl   the requests of ../requests/<name>.jsonl with what scikit-learn answers

A model is only written once onnxruntime has given the same answers as scikit-learn. Everything is
seeded: the same library versions give the same bytes, so a second run changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = Path(__file__).resolve().parent
REQUESTS = HERE.parent / "requests"
SEED = 20260
OPSET = {"": 17, "ai.onnx.ml": 3}
TOLERANCE = 1e-5  # float32 in ONNX against float64 in scikit-learn


@dataclass
class Trained:
    """One fitted model and what is known of it."""

    name: str
    version: str
    description: str
    estimator: Pipeline
    inputs: list  # (name, skl2onnx type), in the graph's order
    features: list[dict]  # as the card lists them
    hyperparameters: dict
    metrics: dict
    card: dict = field(default_factory=dict)  # further fields of the card


# ---------------------------------------------------------------- the four kinds of model


def diabetes() -> list[Trained]:
    """Ten numbers in one tensor; two versions, so that one can stand in for the other."""
    frame = pd.read_csv(HERE / "diabetes" / "train.csv")
    names = list(frame.columns[:-1])
    X, y = frame[names].to_numpy(float), frame["target"].to_numpy(np.int64)

    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))
    boosting = {"n_estimators": 80, "max_depth": 2, "learning_rate": 0.06, "subsample": 0.8}
    boosted = make_pipeline(StandardScaler(), GradientBoostingClassifier(**boosting, random_state=SEED))
    # A tree splits half-way between two measurements, and a measurement can lie exactly there: then rounding to
    # float32 decides, and ONNX and scikit-learn may differ. A breath of noise moves the splits off the grid.
    noisy = X + np.random.default_rng(SEED).normal(0, 1e-3, X.shape) * X.std(axis=0)

    shared = {
        "name": "diabetes",
        "description": "Progression of diabetes after one year: above the median (1) or not (0)",
        "inputs": [("features", FloatTensorType([None, len(names)]))],
        "features": [{"name": n, "type": "number", "input": "features"} for n in names],
    }
    return [
        Trained(version="1.0.0", estimator=linear.fit(X, y), hyperparameters={"C": 0.5},
                metrics=cross_validated(linear, X, y, "roc_auc"), **shared),
        Trained(version="1.1.0", estimator=boosted.fit(noisy, y), hyperparameters=boosting,
                metrics=cross_validated(boosted, noisy, y, "roc_auc"),
                card={"fallback": {"version": "1.0.0"}}, **shared),
    ]


def churn() -> list[Trained]:
    """Customer records as they come: nineteen columns of three types, encoding inside the model."""
    frame = pd.read_csv(HERE / "churn" / "train.csv")
    columns, target = list(frame.columns[:-1]), frame["Churn"]
    whole, money = ["SeniorCitizen", "tenure"], ["MonthlyCharges", "TotalCharges"]
    text = [c for c in columns if c not in whole + money]
    estimator = make_pipeline(
        ColumnTransformer([
            ("text", OneHotEncoder(handle_unknown="ignore", sparse_output=False), text),
            ("whole", StandardScaler(), whole),
            ("money", StandardScaler(), money),
        ]),
        LogisticRegression(C=0.5, max_iter=2000),
    )

    def feature(column: str) -> dict:
        if column not in text:
            # new customers have not been charged yet, and some systems leave the field empty then
            missing = {"missing": {"fill": 0}} if column == "TotalCharges" else {}
            return {"name": column, "type": "number", "input": column} | missing
        known = {"name": column, "type": "string", "input": column, "categories": sorted(frame[column].unique())}
        # payment methods and contracts come and go: the model takes a new one as none of those it knows
        return known | ({"unknown": "ignore"} if column in ("Contract", "PaymentMethod") else {})

    def onnx_type(column: str):
        kind = Int64TensorType if column in whole else FloatTensorType if column in money else StringTensorType
        return kind([None, 1])

    return [Trained(
        name="churn", version="1.0.0", description="Will this telephone customer leave (Yes) or stay (No)?",
        estimator=estimator.fit(frame[columns], target), inputs=[(c, onnx_type(c)) for c in columns],
        features=[feature(c) for c in columns], hyperparameters={"C": 0.5},
        metrics=cross_validated(estimator, frame[columns], target == "Yes", "roc_auc"),
    )]


def text_model(name: str, description: str, lowercase: bool, card: dict) -> list[Trained]:
    """A sentence in, a class out: words and pairs of words, weighed, then a linear model."""
    frame = pd.read_csv(HERE / name / "train.csv", dtype=str, keep_default_na=False)
    X, y = frame["text"].to_numpy(object), frame["label"].to_numpy(object)
    words = {"token_pattern": "[a-zA-Z0-9_]+", "ngram_range": (1, 2), "lowercase": lowercase, "min_df": 2}
    estimator = make_pipeline(TfidfVectorizer(**words), LogisticRegression(C=4.0, max_iter=2000))
    return [Trained(
        name=name, version="1.0.0", description=description, estimator=estimator.fit(X, y),
        inputs=[("text", StringTensorType([None, 1]))],
        features=[{"name": "text", "type": "string", "input": "text", "missing": {"fill": ""}}],
        hyperparameters={"C": 4.0, "ngrams": [1, 2], "min_df": 2},
        metrics=cross_validated(estimator, X, y), card=card,
    )]


MODELS = {
    "diabetes": diabetes,
    "churn": churn,
    "topic": lambda: text_model("topic", "What a customer message is about", True, {}),
    "sentiment": lambda: text_model("sentiment", "Mood of a customer message", False,
                                    {"default": {"prediction": "neutral", "confidence": 0}}),
}


def cross_validated(estimator: ClassifierMixin, X, y, *also: str) -> dict:
    """Accuracy, and whatever else is asked for, as the mean of five folds."""
    scores = cross_validate(estimator, X, y, cv=5, scoring=["accuracy", *also])
    return {name: round(float(scores[f"test_{name}"].mean()), 4) for name in ("accuracy", *also)}


# ---------------------------------------------------------------- from estimator to folder


def convert(model: Trained) -> bytes:
    """The model as ONNX, byte for byte the same on every run."""
    # zipmap=False: probabilities as a tensor; ONNX Runtime for Node cannot read a sequence of maps
    graph = convert_sklearn(model.estimator, model.name, model.inputs, options={"zipmap": False}, target_opset=OPSET)
    for node in graph.graph.node:
        if node.op_type == "StringNormalizer":  # its default locale en_US is missing in slim containers
            node.attribute.append(onnx.helper.make_attribute("locale", "C"))
    graph.doc_string = ""
    opsets = sorted(graph.opset_import, key=lambda opset: opset.domain)
    del graph.opset_import[:]
    graph.opset_import.extend(opsets)
    onnx.checker.check_model(graph)
    return graph.SerializeToString(deterministic=True)


def read_requests(name: str) -> list[dict]:
    """The sample requests of a model."""
    lines = (REQUESTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def rows_for(model: Trained, requests: list[dict]):
    """The requests' features in the shape that the estimator was fitted on."""
    names = [f["name"] for f in model.features]
    rows = [r["features"] if isinstance(r["features"], list) else [r["features"][n] for n in names] for r in requests]
    if len(model.inputs) > 1:
        return pd.DataFrame(rows, columns=names)
    return np.array(rows, dtype=float) if len(names) > 1 else np.array([row[0] for row in rows], dtype=object)


def feeds_for(model: Trained, rows) -> dict:
    """The same rows as the tensors that the ONNX model takes."""
    if len(model.inputs) == 1:
        name, kind = model.inputs[0]
        dtype = np.float32 if isinstance(kind, FloatTensorType) else object
        return {name: rows.astype(dtype).reshape(len(rows), -1)}
    dtypes = {FloatTensorType: np.float32, Int64TensorType: np.int64, StringTensorType: object}
    return {name: rows[[name]].to_numpy(dtypes[type(kind)]) for name, kind in model.inputs}


def check_parity(model: Trained, onnx_bytes: bytes, rows, labels, probabilities) -> float:
    """Largest difference in probability between onnxruntime and scikit-learn; fails where they disagree."""
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    got_labels, got = session.run(["label", "probabilities"], feeds_for(model, rows))
    worst = float(np.abs(got - probabilities).max())
    if worst > TOLERANCE or list(got_labels) != list(labels):
        raise SystemExit(f"{model.name} {model.version}: onnxruntime differs from scikit-learn by {worst:.1e}")
    return worst


def write(model: Trained) -> None:
    """Check one model and write its folder."""
    requests = read_requests(model.name)
    rows = rows_for(model, requests)
    estimator: BaseEstimator = model.estimator
    labels, probabilities = estimator.predict(rows).tolist(), estimator.predict_proba(rows)
    data = convert(model)
    worst = check_parity(model, data, rows, labels, probabilities)

    classes = estimator.classes_.tolist()
    card = {
        "name": model.name,
        "version": model.version,
        "description": model.description,
        "task": "classification",
        "sha256": hashlib.sha256(data).hexdigest(),
        "training_data_hash": hashlib.sha256((HERE / model.name / "train.csv").read_bytes()).hexdigest(),
        "features": model.features,
        "outputs": {"label": "label", "probabilities": "probabilities", "classes": classes},
        **model.card,
        "metrics": model.metrics,
        "hyperparameters": model.hyperparameters,
    }
    folder = HERE / model.name / model.version
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(data)
    (folder / "model.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with open(folder / "cases.jsonl", "w", encoding="utf-8") as out:
        for request, label, p in zip(requests, labels, probabilities.tolist(), strict=True):
            expected = {"label": label, "probabilities": p}
            case = {"request_id": request["request_id"], "features": request["features"], "expected": expected}
            out.write(json.dumps(case, ensure_ascii=False) + "\n")
    print(f"{model.name:10s} {model.version}  {len(data) / 1024:5.1f} KiB  {model.metrics}  "
          f"{len(requests)} cases agree within {worst:.0e}")


def main() -> None:
    """Train the models named, or all."""
    for name in sys.argv[1:] or MODELS:
        if name not in MODELS:
            raise SystemExit(f"no sample model {name}; there are {', '.join(MODELS)}")
        for model in MODELS[name]():
            write(model)


if __name__ == "__main__":
    main()
