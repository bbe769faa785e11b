"""Scores a CSV by a binary classifier the ways that are usual in Python; a line on standard input says which, a line on standard output the seconds that it
took, and those of a processor.

usage: batch_files.py MODEL.onnx INPUT.csv OUTPUT.csv FEATURE,…
"""
import sys
import time
from datetime import datetime, timezone

import numpy as np
import onnxruntime
import pandas
import polars

model, source, target, names = sys.argv[1:]
features = names.split(",")
ROWS = 10_000


def session(threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options)


def with_pandas():
    """A loop over chunks, as batch engines are written: read, predict, append."""
    opened, first = session(2), True
    for chunk in pandas.read_csv(source, chunksize=ROWS):
        rows = chunk[features].to_numpy(np.float32)
        label, probabilities = opened.run(None, {opened.get_inputs()[0].name: rows})
        scored = pandas.DataFrame({"user_id": chunk["user_id"], "prediction_score": probabilities[:, 1], "prediction_class": label})
        scored["timestamp"] = datetime.now(timezone.utc).isoformat()
        scored["model_version"] = "1.0.0"
        scored.to_csv(target, mode="w" if first else "a", header=first, index=False)
        first = False


def with_polars():
    """The whole file at once, with two threads, the model in batches."""
    opened = session(2)
    frame = polars.read_csv(source)
    rows = frame.select(features).to_numpy().astype(np.float32)
    parts = [opened.run(None, {opened.get_inputs()[0].name: rows[at : at + ROWS]}) for at in range(0, len(rows), ROWS)]
    frame.select("user_id").with_columns(
        prediction_score=np.concatenate([probabilities[:, 1] for _, probabilities in parts]),
        prediction_class=np.concatenate([label for label, _ in parts]),
        timestamp=polars.lit(datetime.now(timezone.utc).isoformat()),
        model_version=polars.lit("1.0.0"),
    ).write_csv(target)


WAYS = {"pandas": with_pandas, "polars": with_polars}
print("ready", flush=True)
for line in sys.stdin:
    begin, busy = time.perf_counter(), time.process_time()
    WAYS[line.strip()]()
    print(time.perf_counter() - begin, time.process_time() - busy, flush=True)
