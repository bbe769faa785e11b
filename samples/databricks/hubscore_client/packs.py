"""Packs: many rows in one event, an order of magnitude cheaper than an event each. A pack is one request, with one ending: its rows share a
partition key, and with it their place in the order and their version in a rollout."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import pandas as pd
from azure.eventhub import EventData, EventHubProducerClient
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from .requests import as_json, features_of

MAX_ROWS = 100
MAX_BYTES = 250_000
"""Of an event, which takes 1 MB; so does its result, in which a row is some 130 bytes for two classes and 25 more for each further one."""
MAX_MS = 1_000


@dataclass
class _Pack:
    opened: float
    ids: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    bytes: int = 0


class Packer:
    """Gathers rows by partition key. A pack is full at so many rows or bytes, and goes out at the latest when a row comes that many milliseconds after its first; `rest` gives
    those that are not full."""

    def __init__(self, model: str, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES, max_ms: float = MAX_MS, clock=time.monotonic, **more):
        self.head = json.dumps({"model": model, "on_error": "skip"} | more, allow_nan=False)[:-1]
        self.max_rows, self.max_bytes, self.max_s, self.clock = max_rows, max_bytes, max_ms / 1000, clock
        self.open: dict[str | None, _Pack] = {}

    def add(self, row_id, features: str, key: str | None = None) -> Iterator[tuple[str | None, str]]:
        """Takes a row, its features as JSON; gives the packs that are to go out now, each with its key."""
        row_id = json.dumps(row_id.item() if hasattr(row_id, "item") else row_id)
        size = len(row_id.encode()) + len(features.encode()) + 2
        now = self.clock()
        pack = self.open.get(key)
        if pack and pack.bytes + size > self.max_bytes:
            yield self._close(key)
            pack = None
        if pack is None:
            pack = self.open[key] = _Pack(now)
        pack.ids.append(row_id)
        pack.rows.append(features)
        pack.bytes += size
        if len(pack.rows) >= self.max_rows:
            yield self._close(key)
        # The oldest stand first.
        while self.open and now - (oldest := next(iter(self.open.items())))[1].opened >= self.max_s:
            yield self._close(oldest[0])

    def rest(self) -> Iterator[tuple[str | None, str]]:
        while self.open:
            yield self._close(next(iter(self.open)))

    def _close(self, key) -> tuple[str | None, str]:
        pack = self.open.pop(key)
        return key, f'{self.head}, "ids": [{",".join(pack.ids)}], "features": [{",".join(pack.rows)}]}}'


def send_in_packs(
    producer: EventHubProducerClient,
    rows: Iterable[tuple[object, object]],
    model: str,
    key: Callable[[object, object], str] | None = None,
    **bounds,
) -> int:
    """Sends rows, each an id and its features, in packs by partition key; how many rows. `bounds`: `max_rows`, `max_bytes`, `max_ms`, and fields of
    the requests (`model_version`, `timeout_ms`, …). The rows of a key stay in order. A bad row is passed over: it is `null` in its pack's result, which says why."""
    packer, count = Packer(model, **bounds), 0
    send = lambda packs: [producer.send_event(EventData(body), partition_key=name) for name, body in packs]  # noqa: E731
    for count, (row_id, features) in enumerate(rows, 1):
        send(packer.add(row_id, as_json(features), key and key(row_id, features)))
    send(packer.rest())
    return count


def packs_from(table: DataFrame, model: str, features: list[str], row_id: str, key: str | None = None, order: str | None = None, **bounds) -> DataFrame:
    """A pack for the rows of a table, a stream or not, as the Kafka sink takes it: `key`, `value`. By `key` where there is one; `order` is the column by which its rows
    go one after the other. Of a stream each micro-batch is packed by itself, so its trigger bounds how long a row waits. Nulls and NaN are left out, as by `requests_from`."""
    from pyspark import cloudpickle

    import hubscore_client

    cloudpickle.register_pickle_by_value(hubscore_client)
    partition_key = F.col(key).cast("string") if key else F.lit(None).cast("string")
    kept = [F.col(order).alias("place")] if order else []
    rows = table.select(partition_key.alias("key"), F.col(row_id).alias("id"), F.to_json(features_of(table, features)).alias("row"), *kept)
    if key:
        rows = rows.repartition(F.col("key"))
    if order:
        rows = rows.sortWithinPartitions("place")

    def pack(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        packer = Packer(model, **bounds | {"max_ms": float("inf")})
        for frame in frames:
            columns = zip(frame["id"], frame["row"], frame["key"], strict=True)
            yield _frame(packed for row_id, row, name in columns for packed in packer.add(row_id, row, name))
        yield _frame(packer.rest())

    return rows.mapInPandas(pack, "key string, value string")


def _frame(packs: Iterable[tuple[str | None, str]]) -> pd.DataFrame:
    return pd.DataFrame(list(packs), columns=["key", "value"], dtype=object)
