"""Events of other formats through the stack, each sent by the library that writes it: Confluent's serializers and CloudEvents by Kafka, CloudEvents by AMQP. Every result must be that of
the same row as a plain request, and a CloudEvent to the SDK of CloudEvents (the app runs with RESULT_FORMAT=cloudevents).

Environment: EVENTHUBS_CONNECTION, KAFKA_ADDRESS, SCHEMA_REGISTRY, STORAGE_CONNECTION, FUNCTIONS_URL; argument: the folder of samples. Exit code 0: all equal.
"""
import json
import os
import pathlib
import sys
import threading
import uuid

import score_cases
from azure.eventhub import EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.amqp import AmqpAnnotatedMessage, AmqpMessageProperties
from azure.storage.blob import BlobServiceClient
from cloudevents.core.bindings import amqp, kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

CONNECTION = os.environ["EVENTHUBS_CONNECTION"]
RUN = uuid.uuid4().hex[:8]
MODEL = f"rows-{RUN}"
SAMPLE = pathlib.Path(sys.argv[1]) / "models/diabetes/1.0.0"
CASES = [json.loads(line)["features"] for line in (SAMPLE / "cases.jsonl").read_text().splitlines()[:5]]

card = json.loads((SAMPLE / "model.json").read_text())
NAMES = [feature["name"] for feature in card["features"]]
card = {name: value for name, value in card.items() if name not in ("name", "version", "sha256")} | {"input": {}}
container = BlobServiceClient.from_connection_string(os.environ["STORAGE_CONNECTION"]).get_container_client("models")
if not container.exists():
    container.create_container()
container.upload_blob(f"{MODEL}/1.0.0/model.json", json.dumps(card))
container.upload_blob(f"{MODEL}/1.0.0/model.onnx", (SAMPLE / "model.onnx").read_bytes())
score_cases.wait_until_served([(MODEL, "1.0.0", [])])

registry = SchemaRegistryClient({"url": os.environ["SCHEMA_REGISTRY"]})
context = SerializationContext("inference-requests", MessageField.VALUE)
avro = {"type": "record", "name": "Row", "fields": [{"name": "request_id", "type": "string"}, *({"name": name, "type": "double"} for name in NAMES)]}
schema = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Row", "type": "object", "properties": {name: {"type": "number"} for name in NAMES}}


def protobuf_row():
    """The message that the registry has as text."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="row.proto", package="example", syntax="proto3")
    message = file.message_type.add(name="Row")
    for number, name in enumerate(["request_id", *NAMES], 1):
        message.field.add(name=name, number=number, type=kinds.TYPE_STRING if number == 1 else kinds.TYPE_DOUBLE, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("example.Row"))


Row = protobuf_row()
by_protobuf = ProtobufSerializer(Row, registry, {"use.deprecated.format": False})
serializers = {"protobuf": lambda row, context: by_protobuf(Row(**row), context), "avro": AvroSerializer(registry, json.dumps(avro)), "json": JSONSerializer(json.dumps(schema), registry)}
formats = JSONFormat()


def row(kind, i):
    return {"request_id": f"{RUN}-{kind}-{i}", **dict(zip(NAMES, map(float, CASES[i])))}


def cloud_event(kind, i):
    """Without an id of the request's own: it has the CloudEvent's."""
    attributes = {"id": f"{RUN}-{kind}-{i}", "source": "/lines/7", "type": "com.example.reading", "specversion": "1.0", "datacontenttype": "application/json"}
    return CloudEvent(attributes, dict(zip(NAMES, CASES[i])))


def texts(properties):
    """Without the time in milliseconds, which this AMQP library takes for a 32-bit number."""
    return {name: value for name, value in properties.items() if isinstance(value, str)}


named = {"model": MODEL.encode()}
producer = Producer({"bootstrap.servers": os.environ["KAFKA_ADDRESS"], "security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "$ConnectionString", "sasl.password": CONNECTION})
messages = []
for i in range(len(CASES)):
    for kind, serializer in serializers.items():
        producer.produce("inference-requests", serializer(row(kind, i), context), headers=named)
    for mode in ("binary", "structured"):
        made = getattr(kafka, f"to_{mode}")(cloud_event(f"kafka-{mode}", i), formats)
        producer.produce("inference-requests", made.value, headers={**made.headers, **named})
        made = getattr(amqp, f"to_{mode}")(cloud_event(f"amqp-{mode}", i), formats)
        properties = AmqpMessageProperties(content_type=made.properties.get("content-type"))
        messages.append(AmqpAnnotatedMessage(data_body=made.application_data, properties=properties, application_properties={**texts(made.application_properties), "model": MODEL}))
    plain = {"request_id": f"{RUN}-plain-{i}", "features": CASES[i]}
    messages.append(AmqpAnnotatedMessage(data_body=json.dumps(plain).encode(), application_properties={"model": MODEL}))
producer.flush(30)
with EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name="inference-requests") as client:
    batch = client.create_batch()
    for message in messages:
        batch.add(message)
    client.send_batch(batch)

answers = {}


def on_batch(_, events):
    """A result as a message that the SDK of CloudEvents takes: the id of its subject, and the event."""
    for event in events:
        properties = {name.decode(): value.decode() if isinstance(value, bytes) else value for name, value in event.properties.items()}
        made = amqp.from_binary(amqp.AMQPMessage({"content-type": event.content_type}, properties, b"".join(event.body)), formats)
        answers[made.get_subject()] = made


reader = EventHubConsumerClient.from_connection_string(CONNECTION, consumer_group="monitor", eventhub_name="inference-requests-results")
threading.Thread(target=lambda: reader.receive_batch(on_batch, max_batch_size=500, max_wait_time=0.5, starting_position="-1"), daemon=True).start()
endings = {}
clients = [score_cases.collect(hub, endings) for hub in score_cases.HUBS.values()]
kinds = [*serializers, "kafka-binary", "kafka-structured", "amqp-binary", "amqp-structured"]
score_cases.wait_for(lambda: all(f"{RUN}-{kind}-{i}" in endings for kind in [*kinds, "plain"] for i in range(len(CASES))))
score_cases.wait_for(lambda: f"{RUN}-plain-0" in answers)
for client in [*clients, reader]:
    client.close()

told = ("prediction", "probabilities", "confidence")
said = lambda kind, i: {name: endings.get(f"{RUN}-{kind}-{i}", [{}])[0].get(name) for name in told}
failed = False
for kind in kinds:
    wrong = [i for i in range(len(CASES)) if said(kind, i) != said("plain", i) or said(kind, i)["prediction"] is None]
    failed |= bool(wrong)
    print("FAILED " if wrong else "ok     ", kind, *(json.dumps(endings.get(f"{RUN}-{kind}-{i}", "no ending"))[:600] for i in wrong[:1]))
event = answers.get(f"{RUN}-plain-0")
whole = event is not None and event.get_type() == "hubscore.result" and event.get_source() == "/hubscore/inference-requests"
holds = whole and event.get_data()["result_id"] == event.get_id() and event.get_data()["prediction"] == said("plain", 0)["prediction"]
failed |= not holds
print("ok     " if holds else "FAILED ", "a result is a CloudEvent", *([] if holds else [event and event.get_attributes()]))
os._exit(1 if failed else 0)
