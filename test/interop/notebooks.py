"""Runs the Databricks notebooks of samples/ against the local stack, in PySpark's local mode with Delta Lake and Kafka.

The notebooks run as they are, cell by cell; `dbutils` and `display` are stand-ins, and what differs from Databricks stands in the
notebooks' fields. Every result and dead letter comes three times to the one that reads them.

Environment: EVENTHUBS_CONNECTION, KAFKA_ADDRESS, STORAGE_CONNECTION, FUNCTIONS_URL, NODE; argument: the folder of samples. Exit code 0: all well.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import types

SAMPLES = pathlib.Path(sys.argv[1]).resolve()
FOLDER = SAMPLES / "databricks"
WORK = pathlib.Path(tempfile.mkdtemp(prefix="hubscore-notebooks-"))
sys.path.insert(0, str(FOLDER))
os.chdir(FOLDER)  # as Databricks does for a notebook in a Git folder
os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"

from azure.storage.blob import BlobServiceClient  # noqa: E402
from delta import configure_spark_with_delta_pip  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402

import score_cases  # noqa: E402

from hubscore_client import DEAD_LETTERS, LABELS, REQUESTS, RESULTS  # noqa: E402
from hubscore_client.bulk import beside_stream, score_table  # noqa: E402
from hubscore_client.connect import connect  # noqa: E402
from hubscore_client.models import read_model  # noqa: E402
from hubscore_client.packs import Packer, packs_from, send_in_packs  # noqa: E402
from hubscore_client.requests import as_event, request, requests_from, send_in_batches  # noqa: E402
from hubscore_client.results import results_from, rows_from  # noqa: E402
from hubscore_client.verdict import accuracy_verdict  # noqa: E402

KAFKA_PACKAGE = "org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.0"  # of Spark's version, but for the last number


class Widgets:
    def __init__(self, values):
        self.values = values

    def text(self, name, default):
        self.values.setdefault(name, default)

    def get(self, name):
        return self.values[name]


SECRETS = {
    "local": {
        "event-hubs-connection-string": os.environ["EVENTHUBS_CONNECTION"],
        "storage-connection-string": os.environ["STORAGE_CONNECTION"],
    },
    "principal": {"tenant-id": "tenant-1", "client-id": "client-1", "client-secret": "secret-1"},
}
FIELDS = {
    "namespace": "localhost",
    "models_url": "http://localhost/models",
    "secret_scope": "local",
    "checkpoints": str(WORK / "checkpoints"),
    "kafka_address": os.environ["KAFKA_ADDRESS"],
    "kafka_protocol": "SASL_PLAINTEXT",
    "kafka_classes": "",
}
dbutils = types.SimpleNamespace(
    widgets=Widgets(FIELDS),
    secrets=types.SimpleNamespace(
        list=lambda scope: [types.SimpleNamespace(key=key) for key in SECRETS[scope]],
        get=lambda scope, key: SECRETS[scope][key],
    ),
)
spark = configure_spark_with_delta_pip(
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.memory", "1g")
    .config("spark.sql.warehouse.dir", str(WORK / "warehouse"))
    .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={WORK}")
    .config("spark.databricks.delta.snapshotPartitions", "2")
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"),
    extra_packages=[KAFKA_PACKAGE],
).getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
hubs = connect(dbutils, "localhost", "http://localhost/models", secret_scope="local")


def run_notebook(name, scope=None, between=lambda: None):
    """Its cells in order, %run included; what is done between them."""
    scope = {"spark": spark, "dbutils": dbutils, "display": lambda rows: rows.collect()} if scope is None else scope
    for cell in (FOLDER / f"{name}.py").read_text().split("# COMMAND ----------"):
        if inner := re.search(r"^# MAGIC %run \./(\S+)", cell, re.M):
            run_notebook(inner[1], scope)
        exec(compile(cell, f"{name}.py", "exec"), scope)
        between()
    return scope


def read_events(hub, enough):
    """Every event of a hub, from its start, once there are enough of them."""
    events, done = [], threading.Event()

    def on_batch(context, batch):
        events.extend((context.partition_id, event) for event in batch)
        if enough([event for _, event in events]):
            done.set()

    consumer = hubs.consumer(hub)
    arguments = {"max_batch_size": 500, "max_wait_time": 0.3, "starting_position": "-1"}
    threading.Thread(target=consumer.receive_batch, args=(on_batch,), kwargs=arguments, daemon=True).start()
    if not done.wait(60):
        raise AssertionError(f"{hub}: only {len(events)} events in 60 s")
    consumer.close()
    return events


def bodies(events):
    return [json.loads(event.body_as_str()) for event in events]


PREFIXES = ("single-", "batch-", "patient-", "broken-")


def endings(hub, expected):
    """What ours came to, by AMQP; the hub holds what other programs sent, too."""
    ours = lambda events: [body for body in bodies(events) if str(body.get("request_id")).startswith(PREFIXES)]  # noqa: E731
    return ours(event for _, event in read_events(hub, lambda events: len(ours(events)) >= expected))


def repeat(endings_of):
    """As a redelivery leaves them."""
    for hub, repeated in endings_of.items():
        with hubs.producer(hub) as producer:
            send_in_batches(producer, repeated)


def check(what, holds):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    failures.extend([] if holds else [what])


failures = []
on_databricks = connect(dbutils, "ns.servicebus.windows.net", "https://a/models", secret_scope="principal").kafka
elsewhere = connect(dbutils, "ns.servicebus.windows.net", "https://a/models", secret_scope="principal", kafka_classes="").kafka
check("a service principal signs in with the classes that are there", on_databricks["kafka.bootstrap.servers"] == "ns.servicebus.windows.net:9093"
      and on_databricks["kafka.security.protocol"] == "SASL_SSL"
      and elsewhere["kafka.sasl.jaas.config"].startswith("org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required ")
      and on_databricks == {name: value.replace("org.apache", "kafkashaded.org.apache") for name, value in elsewhere.items()})
score_cases.wait_until_served(score_cases.upload([SAMPLES / "models"]))
run_notebook("01_send_requests")
patients = len(run_notebook("02_stream_requests")["frame"])
sent_good, sent_bad = 5 + 2 * patients, 3
with hubs.producer(REQUESTS) as producer:
    send_in_batches(producer, (request([1, 2], "diabetes", f"broken-{i}") for i in range(sent_bad)))
    churn = [json.loads(line) for line in (SAMPLES / "models/churn/1.0.0/cases.jsonl").read_text().splitlines()]
    send_in_batches(producer, (request(case["features"], "churn", f"bulk-{case['request_id']}") for case in churn))

# What pandas and Spark have for a value that is missing, by every way to the stream.
NAN = float("nan")
hole = churn[0]["features"] | {"tenure": 5, "TotalCharges": NAN}
holes = spark.createDataFrame([{"id": "bulk-nan-1"} | hole])
names = [name for name in holes.columns if name != "id"]
columns = {"model": "churn", "features": names}
by_spark = requests_from(holes, request_id="id", **columns).collect()[0].value
in_packs = packs_from(holes, row_id="id", **columns).collect()[0].value
check("Spark's NaN is left out, as null is", all("NaN" not in body and "TotalCharges" not in body and '"tenure"' in body for body in (by_spark, in_packs)))
nested = spark.createDataFrame([("a", [1.0, NAN])], "id string, pixels array<double>")
check("within an array it is null", json.loads(requests_from(nested, "m", ["pixels"], "id").collect()[0].value)["features"] == {"pixels": [1.0, None]})
with hubs.producer(REQUESTS) as producer:
    producer.send_batch([as_event(json.loads(by_spark)), as_event(request(hole, "churn", "bulk-nan-2"))])
    send_in_packs(producer, [("nan", hole)], "churn", request_id="bulk-nan-3")

ended = {RESULTS: endings(RESULTS, sent_good), DEAD_LETTERS: endings(DEAD_LETTERS, sent_bad)}
verify = [os.environ["NODE"], str(SAMPLES.parent / "bin/hubscore.js"), "verify"]
check("hubscore verify is sound", subprocess.run(verify, env=os.environ | {"EventHubs": os.environ["EVENTHUBS_CONNECTION"]}).returncode == 0)

for _ in range(2):  # the second time nothing is new
    repeat(ended)
    run_notebook("03_results_to_delta")
of_ours = " OR ".join(f"request_id LIKE '{prefix}%'" for prefix in PREFIXES)
results, letters, appended = (spark.table(f"hubscore.{name}").where(of_ours) for name in ("results", "dead_letters", "results_appended"))
check(f"{sent_good} results merged, each once", results.count() == sent_good == results.select("request_id").distinct().count())
check("the same without repeats by watermark", appended.count() == sent_good)
check("every field has its type", results.where("prediction IN ('0', '1') AND scored_at >= enqueued_at AND size(probabilities) = 2 AND model_ms >= 0").count() == sent_good)
check("dead letters say why", letters.where("error.code = 'schema_mismatch' AND source.sequence_number >= 0").count() == sent_bad)

apart = spark.table("hubscore.result_rows")
packed, streamed = apart.where("row_id LIKE 'packed-%'"), apart.where("row IS NOT NULL AND row_id LIKE 'patient-%'")
check(f"{patients} rows of packs, each once", all(rows.count() == patients == rows.select("row_id").distinct().count() for rows in (packed, streamed)))
check("a row of a pack is answered as its own request", packed.alias("p").join(results.alias("b"), F.expr("'batch-' || substring(p.row_id, 8) = b.request_id"))
      .where("p.prediction = b.prediction AND abs(p.confidence - b.confidence) < 1e-6 AND p.error.code IS NULL").count() == patients)
ticks = iter(range(100))
packer = Packer("m", max_rows=3, max_bytes=200, max_ms=2_000, clock=lambda: next(ticks), timeout_ms=5)
gone = [[json.loads(body)["ids"] for _, body in packer.add(*row)] for row in
        [(1, "[1]", "k"), (2, "[2]", "j"), (3, "[3]", "k"), (4, "[4]", "j"), ("long", "1" * 190, "i"), (6, "[6]", "i")]]
check("packs are bounded in rows, bytes and time", gone == [[], [], [[1, 3]], [[2, 4]], [], [["long"]]]
      and [json.loads(body) for _, body in packer.rest()] == [{"model": "m", "on_error": "skip", "timeout_ms": 5, "ids": [6], "features": [[6]]}])
one = json.dumps({"result_id": "r/0/1", "predictions": [{"id": "a", "prediction": 1}, None], "errors": [{"index": 1, "id": "b", "code": "schema_mismatch", "message": "why"}]})
parts = rows_from(results_from(spark.createDataFrame([(one, None)], "value string, timestamp timestamp"))).orderBy("row").collect()
check("a bad row of a pack says why", [(row.row_id, row.prediction, row.error.code) for row in parts] == [("a", "1", None), ("b", None, "schema_mismatch")])

told = run_notebook("04_send_ground_truth")
check("without a rollout there is nothing to decide", told["verdict"].verdict == "undecided" and told["arms"] == {})
verdicts = [accuracy_verdict(*arms, drop=drop) for arms, drop in ((((400, 500), (8550, 9500)), 0.05), (((425, 500), (8550, 9500)), 0), (((0, 100), (900, 1000)), 0.05), (((900, 1000), (900, 1000)), 0.05))]
check("the verdict's evidence is the app's", [round(each.fail_evidence, 6) for each in verdicts[:2]] == [2.958049, 3.776528] and [each.verdict for each in verdicts[2:]] == ["fail", "pass"])
def labels_in(events):
    """The hub holds what other programs sent, too."""
    return [json.loads(text) for text in (event.body_as_str() for event in events) if text.startswith('{"result_id"')]


labels = labels_in(event for _, event in read_events(LABELS, lambda events: len(labels_in(events)) >= patients))
again = run_notebook("04_send_ground_truth")["sent"]
spark.sql("UPDATE hubscore.patients SET target = 1 - target WHERE patient = 'patient-3'")
corrected = run_notebook("04_send_ground_truth")["news"]
spark.sql("UPDATE hubscore.patients SET target = 1 - target WHERE patient = 'patient-3'")
check("labels go once, and again where they have changed", again == 0 and list(corrected["request_id"]) == ["patient-3"])
truth = {f"patient-{row}": target for row, target in enumerate(run_notebook("00_connect")["frame"]["target"])}
check(f"{patients} labels name their results", all(truth[label["request_id"]] == label["label"] for label in labels)
      and {label["result_id"] for label in labels} == {row.result_id for row in results.where("request_id LIKE 'patient-%'").collect()})

run_notebook("05_score_in_bulk")
check("bulk equals the stream: diabetes", spark.table("hubscore.scored").where("error IS NULL").count() == patients)
by_both = lambda change: beside_stream(spark.table("hubscore.results"), spark.table("hubscore.scored").withColumns(change), "patient")  # noqa: E731
check(f"{patients} rows were compared, and a difference is seen", by_both({}).where("same").count() == patients
      and by_both({"confidence": F.col("confidence") + 0.1}).where("NOT same").count() == patients)
try:
    by_both({"model_version": F.lit("9.9.9+00000000")})
    check("where another version serves meanwhile, that nothing was compared is an error", False)
except LookupError as error:
    check("where another version serves meanwhile, that nothing was compared is an error", "['9.9.9+00000000']" in str(error))

lake = BlobServiceClient.from_connection_string(os.environ["STORAGE_CONNECTION"]).get_container_client("lake")
if not lake.exists():
    lake.create_container()
FIELDS.update({"functions_url": os.environ["FUNCTIONS_URL"], "functions_key": "", "lake": "lake", "lake_url": str(WORK / "lake")})


def carry():
    """Spark here has no driver for Blob Storage: what it wrote is taken there, and what lies there comes back."""
    for file in (WORK / "lake/in").rglob("*.parquet"):
        blob = lake.get_blob_client(str(file.relative_to(WORK / "lake")))
        if not blob.exists():
            blob.upload_blob(file.read_bytes())
    for found in lake.list_blobs("out/"):
        (WORK / "lake" / found.name).parent.mkdir(parents=True, exist_ok=True)
        (WORK / "lake" / found.name).write_bytes(lake.download_blob(found.name).readall())


files = run_notebook("06_score_files", between=carry)
beside = files["scored_files"].alias("f").join(spark.table("hubscore.scored").alias("b"), "patient")
check(f"a job scores {patients} rows of files as bulk does", beside.where("f.prediction_class = b.prediction").count() == patients and files["done"]["state"] == "succeeded")

rows = [{"id": f"bulk-{case['request_id']}"} | case["features"] for case in churn]
rows += [{"id": f"bulk-nan-{i}"} | hole for i in (1, 2)]
rows.append(rows[0] | {"id": "odd", "gender": "neither", "TotalCharges": None})
table = spark.createDataFrame(rows)
scored = {row.id: row for row in score_table(table, read_model(hubs.models(), "churn"), keep=["id"]).collect()}
stream = {}
read_events(RESULTS, lambda events: stream.update({b["request_id"]: b for b in bodies(events)}) or all(id in stream for id in [*scored, "bulk-nan-3"] if id != "odd"))
differing = [
    id for id, row in scored.items() if id != "odd" and not (
        row.prediction == stream[id]["prediction"] and row.model_version == stream[id]["model_version"]
        and all(abs(row.probabilities[name] - p) < 1e-6 for name, p in stream[id]["probabilities"].items()))
]
check(f"bulk equals the stream: churn, {len(churn)} rows of texts and numbers, NaN among them", not differing and len(scored) == len(churn) + 3)
packed = stream["bulk-nan-3"]["predictions"][0]
check("a row with NaN in a pack is answered too", packed["prediction"] == scored["bulk-nan-1"].prediction)
check("a row that does not fit says why", scored["odd"].prediction is None and scored["odd"].error == "feature gender is a text outside its categories")

spark.stop()
shutil.rmtree(WORK)
sys.stdout.flush()
os._exit(1 if failures else 0)
