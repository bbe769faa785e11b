"""Scores every case of the sample and fixture models through the running stack with the Python SDK and holds the results against
what the training library computed.

Environment: EVENTHUBS_CONNECTION, STORAGE_CONNECTION, FUNCTIONS_URL; arguments: folders of models. Exit code 0: all equal.
"""

import json
import os
import pathlib
import sys
import threading
import time
import urllib.error
import urllib.request

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.storage.blob import BlobServiceClient

CONNECTION = os.environ["EVENTHUBS_CONNECTION"]
HUBS = {"results": "inference-requests-results", "dead letters": "inference-dead-letter"}


def upload(folders):
    """Uploads the models that have cases and are not there yet; returns [(model, version, cases)]."""
    service = BlobServiceClient.from_connection_string(os.environ["STORAGE_CONNECTION"])
    container = service.get_container_client("models")
    if not container.exists():
        container.create_container()
    found = []
    for folder in folders:
        for file in sorted(pathlib.Path(folder).glob("*/*/model.onnx")):
            cases = file.parent / "cases.jsonl"
            if not cases.exists():
                continue
            name, version = file.parts[-3], file.parts[-2]
            beside = [part for part in sorted(file.parent.iterdir()) if part.name not in ("cases.jsonl", "model.onnx")]
            for part in (*beside, file):
                blob = container.get_blob_client(f"{name}/{version}/{part.name}")
                if part.exists() and not blob.exists():
                    blob.upload_blob(part.read_bytes())
            found.append((name, version, [json.loads(line) for line in cases.read_text().splitlines()]))
    return found


def wait_until_served(models):
    """Until the functions have seen and loaded every version, at most a minute."""
    deadline = time.monotonic() + 60
    for name, version, _ in models:
        url = f"{os.environ['FUNCTIONS_URL']}/v2/models/{name}/versions/{version}/ready"
        while True:
            try:
                urllib.request.urlopen(url, timeout=30).close()
                break
            except urllib.error.HTTPError as error:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{name} {version} is not served: {error.read().decode()}") from error
            time.sleep(0.3)


def collect(hub, into):
    """Reads a hub from its start, in the background; body by request id."""
    client = EventHubConsumerClient.from_connection_string(CONNECTION, consumer_group="monitor", eventhub_name=hub)

    def on_batch(_, events):
        for event in events:
            body = json.loads(event.body_as_str())
            into.setdefault(body.get("request_id"), []).append(body)

    threading.Thread(
        target=lambda: client.receive_batch(on_batch, max_batch_size=500, max_wait_time=0.5, starting_position="-1"),
        daemon=True,
    ).start()
    return client


def wait_for(condition):
    """At most a minute."""
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)


def close(got, expected):
    """Numbers within 1e-5 absolutely or 1e-4 relatively, anything else equal; lists item by item."""
    if isinstance(expected, list):
        return isinstance(got, list) and len(got) == len(expected) and all(map(close, got, expected))
    if isinstance(expected, (int, float)) and not isinstance(expected, bool) and isinstance(got, (int, float)):
        return abs(got - expected) <= max(1e-5, 1e-4 * abs(expected))
    return got == expected


def difference(result, expected):
    """What differs, or None. Probabilities come by class, in the model's order, as in the cases."""
    if "label" in expected and result["prediction"] != expected["label"]:
        return f"prediction {result['prediction']!r}, expected {expected['label']!r}"
    if "value" in expected:
        if not close(result["prediction"], expected["value"]):
            return f"value {result['prediction']!r}, expected {expected['value']!r}"
    if "probabilities" in expected:
        got = result.get("probabilities")
        got = list(got.values()) if isinstance(got, dict) else got
        if not close(got, expected["probabilities"]):
            return f"probabilities {got}, expected {expected['probabilities']}"
    return None


def main(folders):
    models = upload(folders)
    wait_until_served(models)
    wanted = {}
    producer = EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name="inference-requests")
    with producer:
        for name, version, cases in models:
            batch = producer.create_batch(partition_key=f"{name}/{version}")
            for case in cases:
                request_id = f"{name}/{version}/{case['request_id']}"
                wanted[request_id] = case["expected"]
                body = {"request_id": request_id, "model": name, "model_version": version, "features": case["features"]}
                batch.add(EventData(json.dumps(body)))
            producer.send_batch(batch)

    ended = {kind: {} for kind in HUBS}
    clients = [collect(hub, ended[kind]) for kind, hub in HUBS.items()]
    wait_for(lambda: wanted.keys() <= set().union(*ended.values()))
    for client in clients:
        client.close()

    problems = []
    for request_id, expected in wanted.items():
        results = ended["results"].get(request_id, [])
        if len(results) != 1:
            letter = ended["dead letters"].get(request_id)
            problems.append(f"{request_id}: {len(results)} results, dead letter {letter and letter[0].get('error')}")
        elif (why := difference(results[0], expected)) is not None:
            problems.append(f"{request_id}: {why}")
    print("\n".join(problems[:20]))
    print(f"{len(wanted) - len(problems)} of {len(wanted)} cases equal over {len(models)} models")
    return 1 if problems or not wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
