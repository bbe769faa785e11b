"""Ground truth: what turned out to be right, sent to the hub inference-labels once it is known."""

import datetime as dt
import json
from collections.abc import Iterable

from azure.eventhub import EventData, EventHubProducerClient
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def ground_truth(label, observed_at: dt.datetime, result_id: str | None = None, request_id=None, model: str | None = None, row_id=None) -> dict:
    """One message. It names the result it belongs to by `result_id`, or the request by `model` and `request_id`; `label` is a class as the
    model names it, or a number; `row_id` names the row of a pack."""
    if result_id is None and request_id is None:
        raise ValueError("ground truth needs a result_id or a request_id")
    if observed_at.tzinfo is None:
        raise ValueError("observed_at needs a time zone")
    utc = observed_at.astimezone(dt.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message = {"result_id": result_id, "request_id": request_id, "model": model, "id": row_id, "label": label, "observed_at": utc}
    return {field: value for field, value in message.items() if value is not None}


def send_ground_truth(producer: EventHubProducerClient, messages: Iterable[dict]) -> int:
    """Sends them in batches; how many. What belongs to one result goes to one partition, so that a correction comes after what it corrects."""
    by_key = {}
    for message in messages:
        by_key.setdefault(str(message.get("result_id") or message["request_id"]), []).append(message)
    for key, group in by_key.items():
        producer.send_batch([EventData(json.dumps(message, allow_nan=False)) for message in group], partition_key=key)
    return sum(map(len, by_key.values()))


SENT = "result_id string, enqueued_at timestamp, label string"
"""What is kept of a label that was sent. `enqueued_at` tells the ids of a hub made anew from the old ones."""


def not_sent_yet(known: DataFrame, sent: str) -> DataFrame:
    """Those rows of `known` (`result_id`, `enqueued_at`, `label` and whatever else) that are not in the Delta table `sent`, which is made where it is not there. A label that has
    changed since is there with another one: it goes again, as a correction."""
    known.sparkSession.sql(f"CREATE TABLE IF NOT EXISTS {sent} ({SENT}) USING delta")
    same = F.expr("k.result_id = s.result_id AND k.enqueued_at = s.enqueued_at AND CAST(k.label AS string) = s.label")
    return known.alias("k").join(known.sparkSession.table(sent).alias("s"), same, "left_anti")


def note_sent(rows: DataFrame, sent: str) -> None:
    """Call it once they are sent: what is sent and not noted goes again the next time, which changes nothing."""
    rows.selectExpr("result_id", "enqueued_at", "CAST(label AS string) AS label").createOrReplaceTempView("labels_just_sent")
    rows.sparkSession.sql(f"""
        MERGE INTO {sent} t USING labels_just_sent s ON t.result_id = s.result_id AND t.enqueued_at = s.enqueued_at
        WHEN MATCHED THEN UPDATE SET label = s.label WHEN NOT MATCHED THEN INSERT *""")
