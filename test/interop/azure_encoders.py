"""Rows as Azure's Avro and JSON encoders write them, whose schemas stand in a namespace's registry: each result must be that of the same row as a plain request, and a schema that the registry does
not know must end as a dead letter which says so.

Environment: EVENTHUBS_CONNECTION, STORAGE_CONNECTION, FUNCTIONS_URL, SCHEMA_REGISTRY (host:port), SCHEMA_REGISTRY_AUTHORITY (whom to trust); argument: the folder of samples. Exit code 0: all equal.
"""
import json
import os
import pathlib
import sys

import score_cases
from azure.core.credentials import AccessToken
from azure.eventhub import EventData, EventHubProducerClient
from azure.schemaregistry import SchemaRegistryClient
from azure.schemaregistry.encoder.avroencoder import AvroEncoder
from azure.schemaregistry.encoder.jsonencoder import JsonSchemaEncoder
from azure.storage.blob import BlobServiceClient

CONNECTION = os.environ["EVENTHUBS_CONNECTION"]
SAMPLE = pathlib.Path(sys.argv[1]) / "models/diabetes/1.0.0"
CASES = [json.loads(line)["features"] for line in (SAMPLE / "cases.jsonl").read_text().splitlines()[:5]]


class Credential:
    def get_token(self, *_, **__):
        return AccessToken("a producer's", 2**33)


card = json.loads((SAMPLE / "model.json").read_text())
names = [feature["name"] for feature in card["features"]]
card = {name: value for name, value in card.items() if name not in ("name", "version", "sha256")} | {"input": {}}
container = BlobServiceClient.from_connection_string(os.environ["STORAGE_CONNECTION"]).get_container_client("models")
if not container.exists():
    container.create_container()
container.upload_blob("rows/1.0.0/model.json", json.dumps(card))
container.upload_blob("rows/1.0.0/model.onnx", (SAMPLE / "model.onnx").read_bytes())
score_cases.wait_until_served([("rows", "1.0.0", [])])

authority = os.environ["SCHEMA_REGISTRY_AUTHORITY"]
registry = SchemaRegistryClient(os.environ["SCHEMA_REGISTRY"], Credential(), connection_verify=authority)
avro = json.dumps({"type": "record", "name": "Row", "fields": [{"name": "request_id", "type": "string"}, *({"name": name, "type": "double"} for name in names)]})
schema = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "Row", "type": "object", "properties": {name: {"type": "number"} for name in names}})
of_avro = AvroEncoder(client=registry, group_name="g", auto_register=True)
of_json = JsonSchemaEncoder(client=registry, group_name="g", validate=lambda schema, content: None)
id_of_json = registry.register_schema("g", "RowAsJson", schema, "Json").id

events = []
for i, case in enumerate(CASES):
    row = lambda kind: {"request_id": f"{kind}-{i}", **dict(zip(names, map(float, case)))}
    plain = EventData(json.dumps({"request_id": f"plain-{i}", "features": case}))
    events += [of_avro.encode(row("avro"), schema=avro, message_type=EventData), of_json.encode(row("json"), schema_id=id_of_json, message_type=EventData), plain]
unknown = of_avro.encode({**row("unknown")}, schema=avro, message_type=EventData)
unknown.content_type = "avro/binary+" + "f" * 32
unknown.message_id = "unknown"
events.append(unknown)
with EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name="inference-requests") as client:
    batch = client.create_batch()
    for event in events:
        event.properties = {"model": "rows"}
        batch.add(event)
    client.send_batch(batch)

ended = {kind: {} for kind in score_cases.HUBS}
clients = [score_cases.collect(hub, ended[kind]) for kind, hub in score_cases.HUBS.items()]
score_cases.wait_for(lambda: sum(map(len, ended["results"].values())) >= 3 * len(CASES) and ended["dead letters"])
for client in clients:
    client.close()
told = lambda kind, i: {name: ended["results"].get(f"{kind}-{i}", [{}])[0].get(name) for name in ("prediction", "probabilities", "confidence")}
failed = False
for kind in ("avro", "json"):
    wrong = [i for i in range(len(CASES)) if told(kind, i) != told("plain", i) or told(kind, i)["prediction"] is None]
    failed |= bool(wrong)
    print("FAILED " if wrong else "ok     ", f"Azure's {kind} encoder", *(told(kind, i) for i in wrong[:1]))
letters = [body for bodies in ended["dead letters"].values() for body in bodies]
holds = len(letters) == 1 and letters[0]["error"]["code"] == "malformed_payload" and "f" * 32 in letters[0]["error"]["message"]
failed |= not holds
print("ok     " if holds else "FAILED ", "a schema that the registry does not know", *([] if holds else letters[:2]))
os._exit(1 if failed else 0)
