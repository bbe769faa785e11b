"""Requests as the Kafka endpoint of Event Hubs leaves them in a hub: the value as the body, headers as application properties that are bytes,
the key as the annotation x-opt-kafka-key. Made by AMQP, so
that the local endpoint's Kafka side has no part in it.

Environment: EVENTHUBS_CONNECTION, STORAGE_CONNECTION, FUNCTIONS_URL; argument: the folder of samples. Exit code 0: all well.
"""
import json
import os
import pathlib
import sys
import uuid

import score_cases
from azure.eventhub import EventHubProducerClient
from azure.eventhub.amqp import AmqpAnnotatedMessage

FEATURES = [63.0, 1.0, 24.4, 73.0, 160.0, 91.4, 48.0, 3.0, 4.6347, 78.0]
RUN = uuid.uuid4().hex[:8]
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def record(name, key, headers, features=FEATURES):
    """As of a producer that cannot change the body: the model stands in a header."""
    return AmqpAnnotatedMessage(
        data_body=json.dumps({"request_id": f"{RUN}-{name}", "features": features}).encode(),
        annotations={b"x-opt-kafka-key": key} if key else None,
        application_properties={header: value.encode() for header, value in headers.items()},
    )


score_cases.wait_until_served(score_cases.upload([pathlib.Path(sys.argv[1]) / "models"]))
with EventHubProducerClient.from_connection_string(os.environ["EVENTHUBS_CONNECTION"], eventhub_name="inference-requests") as producer:
    batch = producer.create_batch(partition_id="2")
    batch.add(record("key", b"customer-7", {"model": "diabetes", "model_version": "1.0.0", "traceparent": TRACE}))
    batch.add(record("no-key", None, {"model": "diabetes"}))
    batch.add(record("marked", None, {"model": "sentiment", "RawHeaders": ""}, "what a day"))
    batch.add(record("broken", b"customer-7", {"model": "diabetes"}, [1, 2]))
    producer.send_batch(batch)

endings = {}
clients = [score_cases.collect(hub, endings) for hub in score_cases.HUBS.values()]
names = ["key", "no-key", "marked", "broken"]
score_cases.wait_for(lambda: all(f"{RUN}-{name}" in endings for name in names))
for client in clients:
    client.close()

ended = {name: endings.get(f"{RUN}-{name}", [{}])[0] for name in names}
source = ended["broken"].get("source", {})
checks = {
    "headers of a record with a key": ended["key"].get("model_version", "").startswith("1.0.0+"),
    "headers of a record without": ended["no-key"].get("model") == "diabetes" and "prediction" in ended["no-key"],
    "headers marked as raw": ended["marked"].get("prediction") in ("positive", "neutral", "negative"),
    "a dead letter shows key and headers": source.get("partition_key") == "customer-7" and source["properties"]["model"] == "diabetes",
}
for what, holds in checks.items():
    print("ok     " if holds else "FAILED ", what)
if not all(checks.values()):
    print(json.dumps(ended, indent=1))
os._exit(0 if all(checks.values()) else 1)
