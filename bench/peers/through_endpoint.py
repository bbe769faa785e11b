"""A Python service on an Event Hubs endpoint: `through_endpoint.py usual|batched <events>`, the connection in EVENTHUBS.

Fills partition 0 of the hub `peer-requests`, scores it into `peer-results`, prints the events a second between the first event that came
and the last result that was sent. One partition, read directly: so this client is fastest here.
"""

import json
import os
import sys
import threading
import time

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient

from service import MODELS, batched, one_by_one, trained

kind, events = sys.argv[1], int(sys.argv[2])
connection = os.environ["EVENTHUBS"]
cases = [json.loads(line)["features"] for line in open(MODELS / "diabetes/1.0.0/cases.jsonl", encoding="utf8")]
producer = EventHubProducerClient.from_connection_string(connection, eventhub_name="peer-results")
feeder = EventHubProducerClient.from_connection_string(connection, eventhub_name="peer-requests")
first = feeder.get_partition_properties("0")["last_enqueued_sequence_number"]


def fill():
    batch = feeder.create_batch(partition_id="0")
    for i in range(events):
        body = json.dumps({
            "request_id": f"request-{i:08}",
            "model": "diabetes",
            "model_version": "1.0.0",
            "features": cases[i % len(cases)],
        })
        try:
            batch.add(EventData(body))
        except ValueError:
            feeder.send_batch(batch)
            batch = feeder.create_batch(partition_id="0")
            batch.add(EventData(body))
    feeder.send_batch(batch)
    feeder.close()


done = threading.Event()
count, started, ended = 0, 0.0, 0.0


def note(scored):
    global count, ended
    count += scored
    ended = time.time()
    if count >= events:
        done.set()


def begin():
    global started
    started = started or time.time()


def usual():
    score = one_by_one(trained("diabetes"))

    def on_event(context, event):
        begin()
        batch = producer.create_batch()
        batch.add(EventData(score(event.body_as_str())))
        producer.send_batch(batch)
        context.update_checkpoint(event)
        note(1)

    return lambda consumer: consumer.receive(on_event=on_event, partition_id="0", starting_position=first)


def in_batches():
    score = batched("diabetes", "1.0.0")

    def on_event_batch(context, received):
        if not received:
            return
        begin()
        batch = producer.create_batch(partition_id="0")
        for body in score([event.body_as_str() for event in received]):
            batch.add(EventData(body))
        producer.send_batch(batch)
        context.update_checkpoint(received[-1])
        note(len(received))

    return lambda consumer: consumer.receive_batch(
        on_event_batch=on_event_batch, partition_id="0", starting_position=first, max_batch_size=256, max_wait_time=1,
        prefetch=1000,
    )


receive = usual() if kind == "usual" else in_batches()
fill()
consumer = EventHubConsumerClient.from_connection_string(
    connection, consumer_group="$Default", eventhub_name="peer-requests"
)
threading.Thread(target=receive, args=(consumer,), daemon=True).start()
done.wait(120)
print(json.dumps({"events": count, "eventsPerSecond": count / (ended - started)}), flush=True)
os._exit(0)
