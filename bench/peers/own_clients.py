"""Sends batches of 64 rows to a model server by the client that comes with it: as many as a line on standard input says, and then says `done`.

usage: own_clients.py open-inference|mlflow PORT    rows as JSON on the first line of standard input
"""
import json
import sys

import numpy
import pandas
import requests

kind, port = sys.argv[1:]
rows = numpy.array(json.loads(sys.stdin.readline()))
print("ready", flush=True)


def by_mlserver():
    """MLServer's codec, and requests with a connection that is kept, as its documentation has it."""
    from mlserver.codecs import NumpyCodec, NumpyRequestCodec
    from mlserver.types import InferenceResponse

    session = requests.Session()
    url = f"http://127.0.0.1:{port}/v2/models/iris/infer"

    def send():
        request = NumpyRequestCodec.encode_request(rows)
        request.inputs[0].name = "x"
        answer = session.post(url, json=request.model_dump())
        outputs = InferenceResponse.model_validate(answer.json()).outputs
        return [NumpyCodec.decode_output(output) for output in outputs]

    return send


def by_mlflow():
    """The client of MLflow's own scoring server."""
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    client = ScoringServerClient("127.0.0.1", port)
    frame = pandas.DataFrame(rows, columns=["a", "b", "c", "d"])
    return lambda: client.invoke(frame).get_predictions()


send = {"open-inference": by_mlserver, "mlflow": by_mlflow}[kind]()
for line in sys.stdin:
    for _ in range(int(line)):
        answer = send()
        assert len(answer) > 0
    print("done", flush=True)
