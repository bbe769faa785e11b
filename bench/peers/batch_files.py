"""Scores a file by a binary classifier the ways that are usual in Python: once, as a script, and prints the seconds that it took behind its imports. Spark's session
stays: it says `ready`, and scores for each line of standard input.

usage: batch_files.py pandas|polars|Spark alone|kept MODEL.onnx INPUT.csv|INPUT.parquet OUTPUT FEATURE,…

`alone`: the predictions; `kept`: the input's columns again, and the predictions.
"""
import os
import sys
import time
from datetime import datetime, timezone

import numpy as np
import onnxruntime

way, columns_kept, model, source, target, names = sys.argv[1:]
features = names.split(",")
is_kept = columns_kept == "kept"
is_parquet = source.endswith(".parquet")
ROWS = 10_000
KINDS = {"tensor(string)": object, "tensor(int64)": np.int64, "tensor(float)": np.float32, "tensor(double)": np.float64}


def session(threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options)


def predict(opened, column):
    """One matrix, or an input a column, as the model has them. `column`: a name's values."""
    inputs = opened.get_inputs()
    if len(inputs) == 1:
        feed = {inputs[0].name: np.column_stack([column(name) for name in features]).astype(np.float32)}
    else:
        kinds = {each.name: KINDS[each.type] for each in inputs}
        feed = {name: np.asarray(column(name)).astype(kinds[name]).reshape(-1, 1) for name in features}
    label, probabilities = opened.run(None, feed)
    return label, probabilities[:, 1]


def scored_frame(chunk, opened):
    label, scores = predict(opened, lambda name: chunk[name].to_numpy())
    scored = chunk if is_kept else chunk[["user_id"]].copy()
    scored["prediction_score"] = scores
    scored["prediction_class"] = label
    scored["timestamp"] = datetime.now(timezone.utc).isoformat()
    scored["model_version"] = "1.0.0"
    return scored


def with_pandas():
    """What is kept: the frame with columns more, written as it is. Predictions alone: a loop over chunks, as batch engines are written."""
    import pandas

    yield
    opened = session(2)
    if is_parquet:
        import pyarrow
        import pyarrow.parquet

        writer = None
        for batch in pyarrow.parquet.ParquetFile(source).iter_batches(ROWS):
            table = pyarrow.Table.from_pandas(scored_frame(batch.to_pandas(), opened))
            writer = writer or pyarrow.parquet.ParquetWriter(target, table.schema)
            writer.write_table(table)
        writer.close()
    elif is_kept:
        scored_frame(pandas.read_csv(source), opened).to_csv(target, index=False)
    else:
        first = True
        for chunk in pandas.read_csv(source, chunksize=ROWS):
            scored_frame(chunk, opened).to_csv(target, mode="w" if first else "a", header=first, index=False)
            first = False


def with_polars():
    """The whole file at once, with two threads, the model in batches."""
    import polars

    yield
    opened = session(2)
    frame = polars.read_parquet(source) if is_parquet else polars.read_csv(source)
    columns = {name: frame[name].to_numpy() for name in features}
    parts = []
    for at in range(0, len(frame), ROWS):
        parts.append(predict(opened, lambda name: columns[name][at : at + ROWS]))
    scored = (frame if is_kept else frame.select("user_id")).with_columns(
        prediction_score=np.concatenate([scores for _, scores in parts]),
        prediction_class=np.concatenate([label for label, _ in parts]),
        timestamp=polars.lit(datetime.now(timezone.utc).isoformat()),
        model_version=polars.lit("1.0.0"),
    )
    if is_parquet:
        scored.write_parquet(target)
    else:
        scored.write_csv(target)


def with_spark():
    """mapInPandas on two cores; session and Python workers stay from turn to turn."""
    import polars
    from pyspark.sql import SparkSession

    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.log.level", "ERROR")
    spark = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", ROWS).getOrCreate()
    yield
    if is_parquet:
        frame = spark.read.parquet(source)
    else:
        kinds = polars.read_csv(source, n_rows=1000).schema
        columns = ", ".join(f"`{name}` {'string' if kind == polars.String else 'double'}" for name, kind in kinds.items())
        frame = spark.read.csv(source, header=True, schema=columns)

    def score(chunks):
        opened = session(1)
        for chunk in chunks:
            yield scored_frame(chunk, opened)

    kind = "string" if "string" in session(1).get_outputs()[0].type else "long"
    before = ", ".join(f"`{name}` {kind}" for name, kind in frame.dtypes) if is_kept else "user_id string"
    shape = f"{before}, prediction_score float, prediction_class {kind}, timestamp string, model_version string"
    scored = frame.mapInPandas(score, shape).write.mode("overwrite")
    if is_parquet:
        scored.parquet(f"{target}.spark")
    else:
        scored.csv(f"{target}.spark", header=True)


def measured(work):
    """Seconds behind what it imports."""
    next(work)
    begin = time.perf_counter()
    for _ in work:
        pass
    return time.perf_counter() - begin


if way == "Spark":
    print("ready", flush=True)
    for _ in sys.stdin:
        print(measured(with_spark()), flush=True)
else:
    print(measured({"pandas": with_pandas, "polars": with_polars}[way]()), flush=True)
