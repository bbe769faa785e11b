"""A table scored with the ONNX file that scores the stream, by the same rules of its card, so that both give the same predictions.

Features are numbers and texts; a card with `features` says which (without one the model's inputs are taken for them). Features that are arrays
themselves (tokens, images) are for the stream alone.
"""

import json
from collections.abc import Callable, Iterator

import numpy as np
import onnxruntime
import pandas as pd
from pyspark.sql import DataFrame

from .models import Model

SCORED = "model string, model_version string, prediction string, probabilities map<string, double>, confidence double, error string"
"""What is added to the columns that are kept. `prediction` as JSON says it: `1`, `No`, `151.3`."""

DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(int32)": np.int32}
SLICE = 1024


def score_table(table: DataFrame, model: Model, keep: list[str]) -> DataFrame:
    """The table's `keep` columns and SCORED, a row for each row. A row that does not fit the model has an `error` and no prediction."""
    from pyspark import cloudpickle

    import hubscore_client

    # Executors need not have this package installed: it travels with the function.
    cloudpickle.register_pickle_by_value(hubscore_client)
    kept = ", ".join(f"`{name}` {table.schema[name].dataType.simpleString()}" for name in keep)
    return table.mapInPandas(scorer(model, keep), f"{kept}, {SCORED}")


def beside_stream(results: DataFrame, scored: DataFrame, row_id: str) -> DataFrame:
    """Rows scored in bulk beside the stream's results for them, by the same version of the model: `request_id`, `model_version`, `prediction`, `in_bulk`, `confidence`,
    `confidence_in_bulk`, and whether they are the `same`. LookupError where no version has scored both ways: nothing was compared."""
    from pyspark.sql import functions as F

    stream = results.select("request_id", "model", "model_version", "prediction", "confidence")
    bulk = scored.where("error IS NULL").select(
        F.col(row_id).cast("string").alias("request_id"), "model", "model_version", F.col("prediction").alias("in_bulk"), F.col("confidence").alias("confidence_in_bulk"))
    alike = F.expr("prediction <=> in_bulk AND (confidence <=> confidence_in_bulk OR abs(confidence - confidence_in_bulk) < 1e-6)")
    compared = stream.join(bulk, ["request_id", "model", "model_version"]).withColumn("same", F.coalesce(alike, F.lit(False)))
    if compared.isEmpty():
        by_stream, in_bulk = (sorted(row.model_version for row in rows.select("model_version").distinct().collect())
                              for rows in (stream.join(bulk.select("request_id", "model"), ["request_id", "model"]), bulk))
        raise LookupError(f"nothing to compare: of these rows the stream has results of {by_stream}, and in bulk they were scored by {in_bulk}")
    return compared


def scorer(model: Model, keep: list[str]) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """For `mapInPandas`: one session a task, slices of at most SLICE rows."""

    def score(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        session = open_session(model)
        for frame in frames:
            for start in range(0, len(frame), SLICE):
                rows = frame.iloc[start : start + SLICE].reset_index(drop=True)
                yield pd.concat([rows[keep], score_frame(session, model, rows)], axis=1)

    return score


def open_session(model: Model) -> onnxruntime.InferenceSession:
    """One thread: Spark has as many tasks as cores already."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.onnx, options, providers=["CPUExecutionProvider"])


def score_frame(session: onnxruntime.InferenceSession, model: Model, rows: pd.DataFrame) -> pd.DataFrame:
    """SCORED for each of the rows, by the features' names."""
    errors = pd.Series([None] * len(rows), dtype=object)
    columns = {}
    for feature in features_of(session, model.card):
        columns.setdefault(feature["input"], []).append(_encode(feature, rows.get(feature["name"]), len(rows), errors))
    good = errors.isna().to_numpy()
    answers = iter([])
    if good.any():
        feeds = {}
        for tensor in session.get_inputs():
            matrix = np.concatenate([column[good] for column in columns[tensor.name]], axis=1)
            matrix = matrix.astype(DTYPES.get(tensor.type, object))
            feeds[tensor.name] = matrix if len(tensor.shape) == 2 else matrix.reshape(-1)
        answers = iter(_interpret(session, model.card, feeds))
    nothing = {"prediction": None, "probabilities": None, "confidence": None}
    scored = pd.DataFrame([next(answers) if fits else nothing for fits in good], index=rows.index)
    return scored.assign(model=model.name, model_version=model.label, error=errors, confidence=scored["confidence"].astype(float))


def features_of(session: onnxruntime.InferenceSession, card: dict) -> list[dict]:
    """The card's features, each with its input; without a card one for each column of the model's inputs."""
    inputs = {tensor.name: tensor for tensor in session.get_inputs()}
    listed = card.get("features")
    if listed is None:
        listed = []
        for name, tensor in inputs.items():
            width = tensor.shape[1] if len(tensor.shape) == 2 else 1
            listed += [{"name": name if width == 1 else f"{name}_{i}", "input": name} for i in range(width)]
    only = next(iter(inputs)) if len(inputs) == 1 else None
    features = [feature | {"input": feature.get("input") or only or feature["name"]} for feature in listed]
    for feature in features:
        if feature.get("type") == "tensor" or feature["input"] not in inputs:
            raise ValueError(f"feature {feature['name']} cannot be scored in bulk: it is an array, or no input of the model")
        feature["text"] = inputs[feature["input"]].type == "tensor(string)"
        feature["whole"] = "int" in inputs[feature["input"]].type
    return features


def _encode(feature: dict, given: pd.Series | None, count: int, errors: pd.Series) -> np.ndarray:
    """A feature's columns, [rows, width]. What does not fit is written into `errors`, the first fault of a row counts."""

    def refuse(rows, why: str) -> None:
        errors[pd.Series(rows, index=errors.index).astype(bool) & errors.isna()] = f"feature {feature['name']} {why}"

    values = pd.Series([None] * count, dtype=object) if given is None else given.astype(object)
    fill = (feature.get("missing") or {}).get("fill")
    blank = values.isna() | values.map(lambda value: isinstance(value, str) and value.strip() == "")
    values = values.mask(blank, fill)
    if fill is None:
        refuse(blank, "is missing")
    categories = feature.get("categories")
    if feature["text"] or feature.get("encode"):
        texts = values.map(lambda value: "" if value is None or value is pd.NA else str(value))
        if categories and feature.get("unknown") != "ignore":
            refuse(~texts.isin(categories), "is a text outside its categories")
        if not feature.get("encode"):
            return texts.to_numpy(object).reshape(-1, 1)
        places = texts.map({category: place for place, category in enumerate(categories)}).fillna(-1).to_numpy(int)
        return places.reshape(-1, 1) if feature["encode"] == "ordinal" else (places[:, None] == np.arange(len(categories))).astype(float)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    refuse(~np.isfinite(numbers), "is no number")
    if feature.get("range"):
        low, high = feature["range"]
        refuse((numbers < low) | (numbers > high), f"is outside its range {low} to {high}")
    if feature.get("scale"):
        numbers = (numbers - feature["scale"]["mean"]) / feature["scale"]["std"]
    elif feature["whole"]:
        refuse(numbers % 1 != 0, "is no whole number")
    return numbers.to_numpy().reshape(-1, 1)


def _interpret(session: onnxruntime.InferenceSession, card: dict, feeds: dict) -> list[dict]:
    """Prediction, probabilities and confidence of each row: by the outputs that the card names, else by their usual names."""
    roles, names = card.get("outputs") or {}, [output.name for output in session.get_outputs()]

    def find(role: str, *usual: str) -> str | None:
        return roles.get(role) or next((name for name in usual if name in names), None)

    label = find("label", "label", "output_label", "prediction")
    probabilities = find("probabilities", "probabilities", "output_probability", "probability")
    value = find("value", "variable", "value")
    wanted = [name for name in (label, probabilities, value) if name]
    tensors = dict(zip(wanted, session.run(wanted, feeds), strict=True))
    if probabilities is None:
        plain = np.asarray(tensors[label or value]).reshape(len(next(iter(feeds.values()))), -1)
        return [{"prediction": _text(row[0] if len(row) == 1 else list(row)), "probabilities": None, "confidence": None} for row in plain.tolist()]
    matrix = np.asarray(tensors[probabilities], dtype=float)
    if matrix.ndim == 1 or matrix.shape[1] == 1:  # only the positive class's
        matrix = np.column_stack([1 - matrix.reshape(-1), matrix.reshape(-1)])
    classes = roles.get("classes") or list(range(matrix.shape[1]))
    if roles.get("threshold") is not None:
        chosen = [classes[int(row[1] >= roles["threshold"])] for row in matrix]
    elif label:
        chosen = np.asarray(tensors[label]).reshape(-1).tolist()
    else:
        chosen = [classes[place] for place in matrix.argmax(axis=1)]
    by_class = [dict(zip(map(str, classes), row, strict=True)) for row in matrix.tolist()]
    return [
        {"prediction": _text(prediction), "probabilities": row, "confidence": row.get(str(prediction))}
        for prediction, row in zip(chosen, by_class, strict=True)
    ]


def _text(prediction) -> str:
    return prediction if isinstance(prediction, str) else json.dumps(prediction)
