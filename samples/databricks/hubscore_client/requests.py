"""Requests: as a dictionary, as an event, as rows of a DataFrame; one by one, or many in a pack."""

import json
from collections.abc import Callable, Iterable

from azure.eventhub import EventData, EventHubProducerClient
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def request(features, model: str, request_id=None, **more) -> dict:
    """One request. `features`: values by name, or in the model's order; `more`: `model_version`, `timeout_ms`, `priority`, `routing_key`."""
    return {"request_id": request_id, "model": model, "features": features} | more


def as_event(body: dict) -> EventData:
    """JSON as an event. NaN is refused here already: JSON has none."""
    return EventData(json.dumps(body, allow_nan=False))


def send_each(producer: EventHubProducerClient, requests: Iterable[dict], key: Callable[[dict], str] | None = None) -> int:
    """One by one, as an application does that has one request at a time; those that share a key stay in order. How many were sent."""
    count = 0
    for count, body in enumerate(requests, 1):
        producer.send_event(as_event(body), partition_key=key and key(body))
    return count


def send_in_batches(producer: EventHubProducerClient, requests: Iterable[dict], key: Callable[[dict], str] | None = None) -> int:
    """In batches filled to the size limit, one for each partition key: an order of magnitude faster. How many were sent."""
    batches, count = {}, 0
    for count, body in enumerate(requests, 1):
        name, event = key and key(body), as_event(body)
        try:
            batches.setdefault(name, producer.create_batch(partition_key=name)).add(event)
        except ValueError:  # full
            producer.send_batch(batches[name])
            batches[name] = producer.create_batch(partition_key=name)
            batches[name].add(event)
        if len(batches) > 256:  # each may hold up to 1 MiB
            producer.send_batch(batches.pop(next(iter(batches))))
    for batch in batches.values():
        producer.send_batch(batch)
    return count


def requests_from(table: DataFrame, model: str, features: list[str], request_id: str, key: str | None = None) -> DataFrame:
    """A request for each row of a table, a stream or not, as the Kafka sink takes it: `key`, `value`. Nulls are left out of the JSON, which
    means the same to hubscore: missing, filled where the model's card says with what."""
    body = F.struct(
        F.col(request_id).alias("request_id"),
        F.lit(model).alias("model"),
        F.struct(*features).alias("features"),
    )
    partition_key = F.col(key).cast("string") if key else F.lit(None).cast("string")
    return table.select(partition_key.alias("key"), F.to_json(body).alias("value"))
