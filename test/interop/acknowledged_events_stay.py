"""Streams events into a hub while the endpoint is killed again and again, then looks: what was acknowledged must be there.

Writes `acknowledged N` to standard output as it goes, stops sending at the end of standard input, and ends with exit code 0 where nothing
is missing. Environment: EVENTHUBS_CONNECTION. Uses the hub inference-labels.
"""
import os
import sys
import threading
import time

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import EventHubError

CONNECTION = os.environ["EVENTHUBS_CONNECTION"]
HUB, GROUP = "inference-labels", "monitor"
BATCH, PROGRESS = 50, 5000

stop = threading.Event()
acknowledged = {"0": [], "1": []}
failures = {"0": 0, "1": 0}


def send(partition):
    """Batch after batch to one partition. A send that fails may have arrived or not: its events are not counted on."""
    i = 0
    while not stop.is_set():
        with EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name=HUB, retry_total=0) as producer:
            try:
                while not stop.is_set():
                    batch = producer.create_batch(partition_id=partition)
                    ids = [f"{partition}/{i + j}" for j in range(BATCH)]
                    i += BATCH
                    for event_id in ids:
                        batch.add(EventData(event_id))
                    producer.send_batch(batch)
                    acknowledged[partition].extend(ids)
            except EventHubError:
                failures[partition] += 1
                time.sleep(0.1)


def report():
    """A line for each PROGRESS more that were acknowledged."""
    told = 0
    while not stop.wait(0.02):
        count = sum(map(len, acknowledged.values()))
        if count >= told + PROGRESS:
            told = count
            print(f"acknowledged {count}", flush=True)


def read_from(before):
    """Every event of both partitions since then, in order."""
    last = ends()
    events = {p: [] for p in acknowledged}
    done = threading.Event()
    consumer = EventHubConsumerClient.from_connection_string(CONNECTION, GROUP, eventhub_name=HUB)

    def on_batch(context, batch):
        events[context.partition_id].extend(batch)
        if all(got and got[-1].sequence_number >= last[p]["last_enqueued_sequence_number"] for p, got in events.items()):
            done.set()

    positions = {p: str(properties["last_enqueued_offset"]) for p, properties in before.items()}
    receive = {"max_batch_size": 1000, "max_wait_time": 0.5, "starting_position": positions}
    threading.Thread(target=consumer.receive_batch, args=(on_batch,), kwargs=receive, daemon=True).start()
    done.wait(90)
    consumer.close()
    return events


def ends():
    """Where each partition stands."""
    with EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name=HUB) as client:
        return {p: client.get_partition_properties(p) for p in acknowledged}


before = ends()
threads = [threading.Thread(target=send, args=(p,)) for p in acknowledged] + [threading.Thread(target=report)]
for thread in threads:
    thread.start()
sys.stdin.read()
stop.set()
for thread in threads:
    thread.join()

stored = read_from(before)
missing = gaps = disorder = 0
for p, events in stored.items():
    bodies = [event.body_as_str() for event in events]
    missing += len(set(acknowledged[p]) - set(bodies))
    numbers = [event.sequence_number for event in events]
    first = before[p]["last_enqueued_sequence_number"] + 1
    gaps += numbers != list(range(first, first + len(numbers)))
    order = [int(body.split("/")[1]) for body in bodies]
    disorder += order != sorted(order)
sent = sum(map(len, acknowledged.values()))
print(f"{sent} events acknowledged, {sum(failures.values())} sends broken off, {sum(map(len, stored.values()))} stored: "
      f"{missing} missing, {gaps} partitions with gaps, {disorder} out of order", flush=True)
os._exit(0 if sent and not missing + gaps + disorder else 1)
