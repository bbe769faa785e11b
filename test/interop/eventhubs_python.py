"""The local Event Hubs endpoint with Python's azure-eventhub, synchronous and asynchronous, and blob checkpoints where there is storage.

Environment: EVENTHUBS_CONNECTION, and STORAGE_CONNECTION (optional). Uses the hub inference-labels. Exit code 0: all well.
"""
import asyncio
import os
import sys
import threading
import time
import uuid

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient, TransportType
from azure.eventhub.aio import EventHubConsumerClient as AsyncConsumer
from azure.eventhub.aio import EventHubProducerClient as AsyncProducer
from azure.eventhub.exceptions import AuthenticationError, ConnectError, EventHubError

CONNECTION = os.environ["EVENTHUBS_CONNECTION"]
STORAGE = os.environ.get("STORAGE_CONNECTION")
HUB, GROUP = "inference-labels", "monitor"
RUN = uuid.uuid4().hex[:8]
QUICK = {"retry_total": 0}


def producer(**more):
    return EventHubProducerClient.from_connection_string(more.pop("connection", CONNECTION), eventhub_name=more.pop("hub", HUB), **more)


def collect(enough, consumer=None, **receive):
    """Receives in the background until enough(events) is true; the events as (partition, event)."""
    events = []
    consumer = consumer or EventHubConsumerClient.from_connection_string(CONNECTION, GROUP, eventhub_name=HUB)
    done = threading.Event()

    def on_batch(context, batch):
        events.extend((context.partition_id, event) for event in batch)
        if batch and receive.get("checkpoint"):
            context.update_checkpoint()
        if enough(events):
            done.set()

    options = {key: value for key, value in receive.items() if key != "checkpoint"}
    thread = threading.Thread(target=lambda: consumer.receive_batch(on_batch, max_wait_time=0.2, **options), daemon=True)
    thread.start()
    if not done.wait(30):
        raise AssertionError(f"only {len(events)} events in 30 s")
    consumer.close()
    thread.join(10)
    return events


def ends():
    """Where each partition stands: sequence number and offset of its last event."""
    with producer() as client:
        return {p: client.get_partition_properties(p) for p in client.get_partition_ids()}


def starts(before):
    return {p: str(properties["last_enqueued_offset"]) for p, properties in before.items()}


def sends_and_receives():
    before = ends()
    with producer() as client:
        assert client.get_eventhub_properties()["partition_ids"] == ["0", "1"]
        client.send_event(EventData(f"{RUN} single"), partition_key="key-1")
        batch = client.create_batch(partition_id="1")
        for i in range(200):
            event = EventData(f"{RUN} {i}".encode())
            event.properties = {"i": i, "text": "ž"}
            event.message_id = f"{RUN}-{i}"
            batch.add(event)
        client.send_batch(batch)
        client.send_batch([EventData(b"x" * 300_000)], partition_id="0")
    events = collect(lambda got: len(got) >= 202, starting_position=starts(before), track_last_enqueued_event_properties=True)
    numbered = [e for p, e in events if p == "1" and e.message_id]
    assert [e.properties[b"i"] for e in numbered] == list(range(200)), "order"
    first = before["1"]["last_enqueued_sequence_number"] + 1
    sequence = [e.sequence_number for p, e in events if p == "1"]
    assert sequence == list(range(first, first + len(sequence))), "sequence numbers without a gap"
    assert [e.partition_key for _, e in events if e.body_as_str().endswith("single")] == [b"key-1"]
    assert [len(e.body_as_str()) for p, e in events if e.body_as_str()[0] == "x"] == [300_000]


def start_positions():
    before = ends()
    with producer() as client:
        for i in range(5):
            client.send_event(EventData(f"{RUN} position {i}"), partition_id="0")
            time.sleep(0.01)
    all_five = [e for _, e in collect(lambda got: len(got) >= 5, partition_id="0", starting_position=starts(before)["0"])]
    third = all_five[2]
    for position, inclusive, expected in [
        (third.sequence_number, False, 2),
        (third.sequence_number, True, 3),
        (third.offset, False, 2),
        (third.offset, True, 3),
        (third.enqueued_time, False, 2),
    ]:
        got = collect(lambda got: len(got) >= expected, partition_id="0", starting_position=position, starting_position_inclusive=inclusive)
        assert [e.sequence_number for _, e in got] == [e.sequence_number for e in all_five[-expected:]], (position, inclusive)


def refusals():
    with producer(**QUICK) as client:
        expect(lambda: client.send_event(EventData(b"x" * 1_100_000)), EventHubError, "size")
        expect(lambda: client.send_event(EventData(b"x"), partition_id="77"), EventHubError, "77")
    with producer(hub="no-such-hub", **QUICK) as client:
        expect(lambda: client.send_event(EventData(b"x")), (ConnectError, EventHubError), "no-such-hub")
    with producer(connection=CONNECTION.replace("SAS_KEY_VALUE", "another"), **QUICK) as client:
        expect(lambda: client.send_event(EventData(b"x")), AuthenticationError, "")


def refused(text, consumer_group=GROUP, **receive):
    """The consumer's error handler hears of it, and it names the text."""
    errors, heard = [], threading.Event()
    consumer = EventHubConsumerClient.from_connection_string(CONNECTION, consumer_group, eventhub_name=receive.pop("hub", HUB), **QUICK)

    def on_error(context, error):
        errors.append(error)
        heard.set()

    thread = threading.Thread(target=lambda: consumer.receive_batch(lambda context, batch: None, on_error=on_error, **receive), daemon=True)
    thread.start()
    assert heard.wait(20), f"no error that names {text}"
    consumer.close()
    thread.join(10)
    assert isinstance(errors[0], EventHubError) and text in str(errors[0]), f"{text!r} is not in {errors[0]!r}"


def refused_consumers():
    refused("no-such-hub", hub="no-such-hub", partition_id="0")
    refused("no-such-group", "no-such-group", partition_id="0")
    refused("is invalid", partition_id="0", starting_position=10**9)


async def refused_asynchronous_consumers():
    for hub, group, text in [("no-such-hub", GROUP, "no-such-hub"), (HUB, "no-such-group", "no-such-group")]:
        errors, heard = [], asyncio.Event()

        async def on_batch(context, batch):
            pass

        async def on_error(context, error):
            errors.append(error)
            heard.set()

        async with AsyncConsumer.from_connection_string(CONNECTION, group, eventhub_name=hub, **QUICK) as consumer:
            task = asyncio.create_task(consumer.receive_batch(on_batch, on_error=on_error, partition_id="0"))
            await asyncio.wait_for(heard.wait(), 20)
        task.cancel()
        assert isinstance(errors[0], EventHubError) and text in str(errors[0]), errors[0]


def expect(action, kind, text):
    try:
        action()
    except kind as error:
        assert text in str(error), f"{text!r} is not in {error}"
        return
    raise AssertionError(f"no {kind} came")


def stolen_by_a_higher_owner_level():
    errors, at_work = [], threading.Event()
    first = EventHubConsumerClient.from_connection_string(CONNECTION, GROUP, eventhub_name=HUB, **QUICK)
    thread = threading.Thread(
        target=lambda: first.receive_batch(
            lambda context, batch: at_work.set(), partition_id="0", owner_level=1, max_wait_time=0.2, on_error=lambda context, error: errors.append(error)
        ),
        daemon=True,
    )
    thread.start()
    assert at_work.wait(20)
    second = EventHubConsumerClient.from_connection_string(CONNECTION, GROUP, eventhub_name=HUB)
    collect(lambda got: len(errors) > 0, second, partition_id="0", owner_level=2)
    assert "epoch" in str(errors[0]), errors[0]
    first.close()
    thread.join(10)


def lower_owner_levels_are_refused():
    at_work = threading.Event()
    holder = EventHubConsumerClient.from_connection_string(CONNECTION, GROUP, eventhub_name=HUB)
    thread = threading.Thread(
        target=lambda: holder.receive_batch(lambda context, batch: at_work.set(), partition_id="1", owner_level=5, max_wait_time=0.2), daemon=True
    )
    thread.start()
    assert at_work.wait(20)
    refused("higher epoch", partition_id="1", owner_level=3)
    refused("epoch", partition_id="1")
    holder.close()
    thread.join(10)


def websockets():
    health = os.environ.get("EVENTHUBS_HEALTH_PORT")
    if not health:
        return "no EVENTHUBS_HEALTH_PORT"
    with producer(transport_type=TransportType.AmqpOverWebsocket, custom_endpoint_address=f"http://localhost:{health}") as client:
        client.send_event(EventData(f"{RUN} by WebSocket"))


async def asynchronous():
    before = await asyncio.to_thread(ends)
    async with AsyncProducer.from_connection_string(CONNECTION, eventhub_name=HUB) as client:
        for i in range(3):
            batch = await client.create_batch(partition_key=f"key-{i}")
            for j in range(50):
                batch.add(EventData(f"{RUN} async {i} {j}"))
            await client.send_batch(batch)
        await client.send_event(EventData(f"{RUN} async single"))
    events, done = [], asyncio.Event()

    async def on_batch(context, batch):
        events.extend(batch)
        if len(events) >= 151:
            done.set()

    consumer = AsyncConsumer.from_connection_string(CONNECTION, GROUP, eventhub_name=HUB)
    async with consumer:
        task = asyncio.create_task(consumer.receive_batch(on_batch, starting_position=starts(before), max_wait_time=0.2))
        await asyncio.wait_for(done.wait(), 30)
    task.cancel()
    assert len({e.body_as_str() for e in events}) == 151


def blob_checkpoints():
    if not STORAGE:
        return "no STORAGE_CONNECTION"
    from azure.eventhub.extensions.checkpointstoreblob import BlobCheckpointStore
    from azure.storage.blob import ContainerClient

    container = f"checkpoints-{RUN}"
    with ContainerClient.from_connection_string(STORAGE, container) as client:
        client.create_container()

    def consumer():
        store = BlobCheckpointStore.from_connection_string(STORAGE, container)
        return EventHubConsumerClient.from_connection_string(
            CONNECTION, GROUP, eventhub_name=HUB, checkpoint_store=store, load_balancing_interval=1, load_balancing_strategy="greedy"
        )

    before = ends()
    with producer() as client:
        for p in "01":
            client.send_batch([EventData(f"{RUN} old {p} {i}") for i in range(20)], partition_id=p)
    collect(lambda got: len(got) >= 40, consumer(), starting_position=starts(before), checkpoint=True)
    with producer() as client:
        for p in "01":
            client.send_batch([EventData(f"{RUN} new {p}")], partition_id=p)
    got = collect(lambda got: len(got) >= 2, consumer(), starting_position="-1")
    assert sorted(e.body_as_str() for _, e in got) == [f"{RUN} new 0", f"{RUN} new 1"], "goes on behind the checkpoint"


CHECKS = [
    sends_and_receives,
    start_positions,
    refusals,
    refused_consumers,
    refused_asynchronous_consumers,
    stolen_by_a_higher_owner_level,
    lower_owner_levels_are_refused,
    websockets,
    asynchronous,
    blob_checkpoints,
]
failed = 0
for check in CHECKS:
    name, begun = check.__name__.replace("_", " "), time.monotonic()
    try:
        skipped = asyncio.run(check()) if asyncio.iscoroutinefunction(check) else check()
        print(f"ok      {name}" + (f" (left out: {skipped})" if skipped else "") + f" {time.monotonic() - begun:.1f} s", flush=True)
    except Exception as error:  # a check that fails must not hide the others
        failed += 1
        print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
sys.exit(1 if failed else 0)
