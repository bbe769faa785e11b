"""Runs the Databricks notebooks of samples/ against the local stack, in PySpark's local mode with Delta Lake.

The notebooks run as they are, cell by cell; `dbutils` and `display` are stand-ins. Only the Kafka endpoint is replaced, since the local
endpoint speaks AMQP alone: the rows for `format("kafka")` come and go by azure-eventhub, every result twice.

Environment: EVENTHUBS_CONNECTION, STORAGE_CONNECTION; argument: the folder of samples. Exit code 0: all well.
"""
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import types

from azure.eventhub import EventData

SAMPLES = pathlib.Path(sys.argv[1]).resolve()
FOLDER = SAMPLES / "databricks"
WORK = pathlib.Path(tempfile.mkdtemp(prefix="hubscore-notebooks-"))
sys.path.insert(0, str(FOLDER))
os.chdir(FOLDER)  # as Databricks does for a notebook in a Git folder
os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"

from delta import configure_spark_with_delta_pip  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

import score_cases  # noqa: E402

import hubscore_client.kafka  # noqa: E402
from hubscore_client import DEAD_LETTERS, LABELS, REQUESTS, RESULTS  # noqa: E402
from hubscore_client.bulk import score_table  # noqa: E402
from hubscore_client.connect import connect  # noqa: E402
from hubscore_client.models import read_model  # noqa: E402
from hubscore_client.requests import request, send_in_batches  # noqa: E402

KAFKA_ROWS = "key binary, value binary, topic string, partition int, offset long, timestamp timestamp, timestampType int"


class Widgets:
    def __init__(self, values):
        self.values = values

    def text(self, name, default):
        self.values.setdefault(name, default)

    def get(self, name):
        return self.values[name]


SECRETS = {
    "event-hubs-connection-string": os.environ["EVENTHUBS_CONNECTION"],
    "storage-connection-string": os.environ["STORAGE_CONNECTION"],
}
dbutils = types.SimpleNamespace(
    widgets=Widgets({"namespace": "localhost", "models_url": "http://localhost/models", "secret_scope": "local", "checkpoints": str(WORK / "checkpoints")}),
    secrets=types.SimpleNamespace(
        list=lambda scope: [types.SimpleNamespace(key=key) for key in SECRETS],
        get=lambda scope, key: SECRETS[key],
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
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
).getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
hubs = connect(dbutils, "localhost", "http://localhost/models", secret_scope="local")


def run_notebook(name, scope=None):
    """Its cells in order, %run included."""
    scope = {"spark": spark, "dbutils": dbutils, "display": lambda rows: rows.collect()} if scope is None else scope
    for cell in (FOLDER / f"{name}.py").read_text().split("# COMMAND ----------"):
        if inner := re.search(r"^# MAGIC %run \./(\S+)", cell, re.M):
            run_notebook(inner[1], scope)
        exec(compile(cell, f"{name}.py", "exec"), scope)
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


def kafka_sink(requests, kafka, hub, checkpoint, **trigger):
    """As hubscore_client.kafka.write_hub, by AMQP."""
    assert requests.columns == ["key", "value"] and kafka["kafka.bootstrap.servers"] == "localhost:9093"

    def send(batch, _):
        with hubs.producer(hub) as producer:
            for row in batch.collect():
                producer.send_event(EventData(row.value.encode()), partition_key=row.key)

    return requests.writeStream.foreachBatch(send).option("checkpointLocation", checkpoint).trigger(**trigger).start()


def kafka_source(spark, kafka, hub, starting="earliest"):
    """As hubscore_client.kafka.read_hub: files with the hub's events, each twice, and again in a second file."""
    expected = {RESULTS: sent_good, DEAD_LETTERS: sent_bad}[hub]
    ours = lambda events: [b for b in bodies(events) if str(b.get("request_id")).startswith(PREFIXES)]  # noqa: E731
    events = read_events(hub, lambda events: len(ours(events)) >= expected)
    rows = [
        (None, event.body_as_str().encode(), hub, int(partition), event.sequence_number, event.enqueued_time, 0)
        for partition, event in events
        for _ in range(2)
        if str(json.loads(event.body_as_str()).get("request_id")).startswith(PREFIXES)
    ]
    folder = WORK / hub
    if not folder.exists():
        spark.createDataFrame(rows, KAFKA_ROWS).coalesce(1).write.parquet(str(folder))
    spark.createDataFrame(rows[: len(rows) // 2], KAFKA_ROWS).coalesce(1).write.mode("append").parquet(str(folder))
    return spark.readStream.schema(KAFKA_ROWS).option("maxFilesPerTrigger", "1").parquet(str(folder))


hubscore_client.kafka.write_hub, hubscore_client.kafka.read_hub = kafka_sink, kafka_source
PREFIXES = ("single-", "batch-", "patient-", "broken-")


def check(what, holds):
    print(("ok      " if holds else "FAILED  ") + what, flush=True)
    failures.extend([] if holds else [what])


failures = []
score_cases.wait_until_served(score_cases.upload([SAMPLES / "models"]))
run_notebook("01_send_requests")
patients = len(run_notebook("02_stream_requests")["frame"])
sent_good, sent_bad = 5 + 2 * patients, 3
with hubs.producer(REQUESTS) as producer:
    send_in_batches(producer, (request([1, 2], "diabetes", f"broken-{i}") for i in range(sent_bad)))
    churn = [json.loads(line) for line in (SAMPLES / "models/churn/1.0.0/cases.jsonl").read_text().splitlines()]
    send_in_batches(producer, (request(case["features"], "churn", f"bulk-{case['request_id']}") for case in churn))

for _ in range(2):  # the second time nothing is new
    run_notebook("03_results_to_delta")
results, letters = spark.table("hubscore.results"), spark.table("hubscore.dead_letters")
check(f"{sent_good} results merged, each once", results.count() == sent_good == results.select("request_id").distinct().count())
check("the same without repeats by watermark", spark.table("hubscore.results_appended").count() == sent_good)
check("every field has its type", results.where("prediction IN ('0', '1') AND scored_at >= enqueued_at AND size(probabilities) = 2 AND model_ms >= 0").count() == sent_good)
check("dead letters say why", letters.where("error.code = 'schema_mismatch' AND source.sequence_number >= 0").count() == sent_bad)

run_notebook("04_send_ground_truth")
def labels_in(events):
    """The hub holds what other programs sent, too."""
    return [json.loads(text) for text in (event.body_as_str() for event in events) if text.startswith('{"result_id"')]


labels = labels_in(event for _, event in read_events(LABELS, lambda events: len(labels_in(events)) >= patients))
truth = {f"patient-{row}": target for row, target in enumerate(run_notebook("00_connect")["frame"]["target"])}
check(f"{patients} labels name their results", all(truth[label["request_id"]] == label["label"] for label in labels)
      and {label["result_id"] for label in labels} == {row.result_id for row in results.where("request_id LIKE 'patient-%'").collect()})

run_notebook("05_score_in_bulk")
check("bulk equals the stream: diabetes", spark.table("hubscore.scored").where("error IS NULL").count() == patients)

rows = [{"id": f"bulk-{case['request_id']}"} | case["features"] for case in churn]
rows.append(rows[0] | {"id": "odd", "gender": "neither", "TotalCharges": None})
table = spark.createDataFrame(rows)
scored = {row.id: row for row in score_table(table, read_model(hubs.models(), "churn"), keep=["id"]).collect()}
stream = {}
read_events(RESULTS, lambda events: stream.update({b["request_id"]: b for b in bodies(events)}) or all(id in stream for id in scored if id != "odd"))
differing = [
    id for id, row in scored.items() if id != "odd" and not (
        row.prediction == stream[id]["prediction"] and row.model_version == stream[id]["model_version"]
        and all(abs(row.probabilities[name] - p) < 1e-6 for name, p in stream[id]["probabilities"].items()))
]
check(f"bulk equals the stream: churn, {len(churn)} rows of texts and numbers", not differing and len(scored) == len(churn) + 1)
check("a row that does not fit says why", scored["odd"].prediction is None and scored["odd"].error == "feature gender is a text outside its categories")

spark.stop()
shutil.rmtree(WORK)
sys.stdout.flush()
os._exit(1 if failures else 0)
