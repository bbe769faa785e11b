"""Requests: as a dictionary, as an event, as rows of a DataFrame; one by one, or many in a pack."""

import json
import math
from collections.abc import Callable, Iterable

from azure.eventhub import EventData, EventHubProducerClient
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DoubleType, FloatType


def request(features, model: str, request_id=None, **more) -> dict:
    """One request. `features`: values by name, or in the model's order; `more`: `model_version`, `timeout_ms`, `priority`, `routing_key`."""
    return {"request_id": request_id, "model": model, "features": features} | more


def as_json(value) -> str:
    """NaN, which is how pandas says that a value is missing, becomes null, which means that in a request; infinities are refused here already: JSON has neither."""
    return json.dumps(_without_nan(value), allow_nan=False)


def _without_nan(value):
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    return [_without_nan(one) for one in value] if isinstance(value, list | tuple) else value


def as_event(body: dict) -> EventData:
    """JSON as an event."""
    return EventData(as_json(body))


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
    """A request for each row of a table, a stream or not, as the Kafka sink takes it: `key`, `value`. Nulls and NaN are left out of the
    JSON, which means the same to hubscore: missing, filled where the model's card says with what."""
    body = F.struct(
        F.col(request_id).alias("request_id"),
        F.lit(model).alias("model"),
        features_of(table, features).alias("features"),
    )
    partition_key = F.col(key).cast("string") if key else F.lit(None).cast("string")
    return table.select(partition_key.alias("key"), F.to_json(body).alias("value"))


def features_of(table: DataFrame, features: list[str]) -> Column:
    """The columns as one struct, with null for NaN: Spark would write it as a text, which the stream refuses and scoring in bulk takes for missing."""
    return F.struct(*(_nulls_for_nan(F.col(name), table.schema[name].dataType).alias(name) for name in features))


def _nulls_for_nan(column: Column, kind) -> Column:
    if isinstance(kind, ArrayType):
        return F.transform(column, lambda one: _nulls_for_nan(one, kind.elementType))
    return F.nanvl(column, F.lit(None)) if isinstance(kind, DoubleType | FloatType) else column
