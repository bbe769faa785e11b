"""Python's csv module as the judge of `hubscore batch score`: random files (quotes, line breaks, delimiters, encodings, marks of them, ragged rows), cut wherever
chunks end, come out with the rows, the ids and the texts that csv reads; Parquet of pyarrow goes in, and what comes out is read by it.

Arguments: the repository, the folder of samples. Environment: NODE. Exit code 0: all well.
"""
import csv
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq

ROOT, MODEL = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) / "models/diabetes/1.0.0"
SEED = int(os.environ.get("TEST_SEED", random.randrange(2**31)))
NAMES = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
NOTES = ["", "plain", 'with "quotes"', "a, comma", "semi;colon", "two\nlines", '"""\n,', "Zoë", "tail\r\nof text", " ", "tab\t", "fake\n" + "1," * 11 + "2\n" * 40]
print(f"TEST_SEED={SEED}")
rng = random.Random(SEED)
folder = pathlib.Path(tempfile.mkdtemp())


def hubscore(*words):
    command = [os.environ.get("NODE", "node"), str(ROOT / "bin/hubscore.js"), "batch", "score", *map(str, words), "--model", str(MODEL), "--id-column", "id", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}: exit {done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


def is_number(text):
    try:
        return abs(float(text)) < 3.4e38
    except ValueError:
        return False


for turn in range(12):
    delimiter, newline = rng.choice(",;\t|"), rng.choice(["\n", "\r\n"])
    encoding = rng.choice(["utf-8", "utf-8-sig", "cp1252", "utf-16"])
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    columns = ["id", "note", *NAMES]
    rng.shuffle(columns)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting)
    writer.writerow(columns)
    for i in range(rng.randrange(50, 800)):
        row = {"id": f"k{i}", "note": rng.choice(NOTES), **{name: repr(round(rng.uniform(0, 300), rng.randrange(9))) for name in NAMES}}
        if rng.random() < 0.02:
            row[rng.choice(NAMES)] = rng.choice(["", "abc", "nan", "1e999", "--1"])
        values = [row[name] for name in columns]
        if rng.random() < 0.01:
            values = rng.choice([values[:-1], [*values, "more"]])
        writer.writerow(values)
    content = text.getvalue() if rng.random() < 0.7 else text.getvalue().removesuffix(newline)
    source, target, rejects = folder / f"{turn}.csv", folder / f"{turn}.out.csv", folder / f"{turn}.rejects.csv"
    source.write_bytes(content.encode(encoding))
    named = ["--encoding", "windows-1252"] if encoding == "cp1252" else []
    report = hubscore(source, target, "--include-features", "--rejects", rejects, "--max-rejected", "1", "--chunk-bytes", rng.choice([300, 5000, 10**6]), "--processes", 1, *named)
    wanted = [row for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)][1:]
    at = {name: columns.index(name) for name in columns}
    good = [len(row) == len(columns) and all(is_number(row[at[name]]) for name in NAMES) for row in wanted]
    kept = [name for name in columns if name != "id"]
    with target.open(newline="", encoding="utf-8") as file:
        got = [[row["id"], *[row[name] for name in kept]] for row in csv.DictReader(file)]
    assert got == [[row[at["id"]], *[row[at[name]] for name in kept]] for row, fine in zip(wanted, good) if fine], f"turn {turn}: rows differ"
    with rejects.open(newline="", encoding="utf-8") as file:
        numbers = [int(row["row"]) for row in csv.DictReader(file)]
    assert numbers == [i + 1 for i, fine in enumerate(good) if not fine], f"turn {turn}: rejects differ"
    assert report["rows"] == {"read": len(wanted), "scored": sum(good), "rejected": len(wanted) - sum(good)}, report["rows"]

for compression in ("snappy", "zstd", "gzip", "brotli", "lz4", "none"):
    ids = [f"p{i}" for i in range(5000)]
    table = pa.table({"id": ids, **{name: pa.array([rng.uniform(0, 300) for _ in ids], rng.choice([pa.float64(), pa.float32()])) for name in NAMES}, "big": pa.array(range(2**60, 2**60 + 5000), pa.int64())})
    source, target = folder / f"{compression}.parquet", folder / f"{compression}.out.parquet"
    pq.write_table(table, source, row_group_size=900, compression=compression)
    hubscore(source, target, "--include-features", "--chunk-bytes", 100_000)
    parts = sorted(target.glob("part-*.parquet"))
    assert len(parts) > 1 and (target / "_SUCCESS").exists()
    got = pa.concat_tables([pq.read_table(part) for part in parts])
    assert got.column("id").to_pylist() == ids and got.column("big").to_pylist() == table.column("big").to_pylist(), compression
    assert all(0 <= score <= 1 for score in got.column("prediction_score").to_pylist())
print("all well")
