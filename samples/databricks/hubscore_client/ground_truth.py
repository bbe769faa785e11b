"""Ground truth: what turned out to be right, sent to the hub inference-labels once it is known."""

import datetime as dt
import json
from collections.abc import Iterable

from azure.eventhub import EventData, EventHubProducerClient


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
