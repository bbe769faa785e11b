"""Asks the running functions by HTTP with clients that others wrote: Triton's, KServe's where its SDK is installed, and schemathesis, which makes up requests by open-inference.yaml.

Environment: STORAGE_CONNECTION, FUNCTIONS_URL; argument: the samples' folder of models. Exit code 0: all well.
"""

import asyncio
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import requests
import tritonclient.http as triton
from score_cases import upload, wait_until_served
from tritonclient.utils import InferenceServerException

URL = os.environ["FUNCTIONS_URL"]
HERE = pathlib.Path(__file__).parent
ASKED_AT_ONCE = 200


def features_of(case, name):
    values = case["features"]
    if name == "topic":
        return np.array([[values["text"].encode()]], dtype=object)
    return np.array([values], dtype=np.float32)


def ask(client, name, case, **binary):
    x = features_of(case, name)
    tensor = triton.InferInput("text" if name == "topic" else "features", list(x.shape), "BYTES" if name == "topic" else "FP32")
    tensor.set_data_from_numpy(x, binary_data=binary.get("given", True))
    outputs = [triton.InferRequestedOutput(o, binary_data=binary.get("wanted", True)) for o in ("label", "probabilities")]
    return client.infer(name, [tensor], outputs=outputs, request_id=str(case["request_id"]), **binary.get("more", {}))


def label_of(answer):
    label = answer.as_numpy("label")[0]
    return label.decode() if isinstance(label, bytes) else label


def by_triton(models):
    client = triton.InferenceServerClient(URL.removeprefix("http://"), concurrency=16, network_timeout=120)
    assert client.is_server_live() and client.is_server_ready()
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    index = {(entry["name"], entry["version"]): entry["state"] for entry in client.get_model_repository_index()}
    asked = 0
    for name, version, cases in models:
        assert client.is_model_ready(name, version) and index[(name, version)] == "READY", index
    for name, cases in {name: cases for name, _, cases in models}.items():
        for case in cases[:20]:
            for given in (True, False):
                for wanted in (True, False):
                    answer = ask(client, name, case, given=given, wanted=wanted)
                    assert label_of(answer) == case["expected"]["label"], (name, case["request_id"])
                    assert answer.get_response()["id"] == str(case["request_id"])
                    asked += 1
        for algorithm in ("gzip", "deflate"):
            more = {"request_compression_algorithm": algorithm, "response_compression_algorithm": algorithm}
            assert label_of(ask(client, name, cases[0], more=more)) == cases[0]["expected"]["label"]
    at_once(client, [case for name, _, cases in models if name == "diabetes" for case in cases][-50:])
    try:
        ask(client, "nowhere", models[-1][2][0])
        raise AssertionError("a model that is not there answered")
    except InferenceServerException as error:
        assert "nowhere" in str(error), error
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = requests.request(method, f"{URL}/v2/models/diabetes/infer", timeout=60)
        assert (answer.status_code, answer.headers.get("allow")) == (405, "POST"), (method, answer.status_code)
    return f"{asked} requests in four forms, {ASKED_AT_ONCE} at once"


def at_once(client, cases):
    waiting = []
    for i in range(ASKED_AT_ONCE):
        x = features_of(cases[i % len(cases)], "diabetes")
        tensor = triton.InferInput("features", list(x.shape), "FP32")
        tensor.set_data_from_numpy(x)
        waiting.append(client.async_infer("diabetes", [tensor], request_id=str(i)))
    for i, handle in enumerate(waiting):
        answer = handle.get_result()
        assert answer.get_response()["id"] == str(i), "another's answer"
        assert int(answer.as_numpy("label")[0]) == cases[i % len(cases)]["expected"]["label"], "another's answer"


def by_kserve(models):
    if importlib.util.find_spec("kserve") is None:
        return None
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    async def asked():
        client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
        assert await client.is_server_live(URL) and await client.is_server_ready(URL)
        assert await client.is_model_ready(URL, "diabetes")
        count = 0
        for name, _, cases in models[-1:]:
            for case in cases[:20]:
                x = features_of(case, name)
                for binary in (False, True):
                    tensor = InferInput("features", list(x.shape), "FP32")
                    tensor.set_data_from_numpy(x, binary_data=binary)
                    answer = await client.infer(URL, InferRequest(name, [tensor], request_id=str(case["request_id"])), model_name=name)
                    outputs = {output.name: output.as_numpy() for output in answer.outputs}
                    assert int(outputs["label"].ravel()[0]) == case["expected"]["label"], (name, case["request_id"])
                    count += 1
        return count

    return f"{asyncio.run(asked())} requests"


def by_schemathesis():
    if importlib.util.find_spec("schemathesis") is None:
        return None
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = ["run", str(HERE / "open-inference.yaml"), "--url", URL, "--checks", checks, "--max-examples", "15", "--seed", "27"]
    command += ["--phases", "fuzzing,coverage", "--no-color"]
    with tempfile.TemporaryDirectory() as folder:  # it leaves a folder where it stands
        program = pathlib.Path(sys.executable).parent / "schemathesis"
        done = subprocess.run([program, *command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout.strip().splitlines()[-1]


def main():
    models = [model for model in upload(sys.argv[1:]) if model[0] in ("diabetes", "topic")]
    models.sort(key=lambda model: (model[0] == "diabetes", model[1]))
    wait_until_served(models)
    for name, outcome in (("tritonclient", by_triton(models)), ("KServe", by_kserve(models)), ("schemathesis", by_schemathesis())):
        print(f"{name}: {outcome or 'not installed, and left out'}", flush=True)
    print(json.dumps({"ok": True}))


if __name__ == "__main__":
    main()
