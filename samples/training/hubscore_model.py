"""From a trained model to a version that hubscore serves: parity checked, card written, pushed to Blob Storage where it never changes."""

import argparse
import hashlib
import json
import os
import pathlib

import numpy as np
import onnxruntime
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import ContainerClient


def arguments(description: str) -> argparse.Namespace:
    """The same for every script: --version, --out, --push."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--version", default="1.0.0", help="semantic version (1.0.0)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out"), help="folder to write to (out)")
    parser.add_argument("--push", action="store_true", help="upload it: MODELS_URL with an identity, or MODELS_CONNECTION, a connection string")
    args = parser.parse_args()
    if args.push:
        models_container()  # what is missing is said before the training, not after it
    return args


def fingerprint(*arrays) -> str:
    """SHA-256 of the training data; its first digits stand behind the version in every result."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def check_parity(onnx: bytes, feeds: dict, expected: dict, tolerance: float = 1e-5) -> None:
    """Runs the ONNX model on the very ONNX Runtime that serves and compares with what the trained one says, output by output: labels must be
    equal, numbers within the tolerance (relative beyond 1). @raises SystemExit where they differ: then it must not be served."""
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    for name, got in zip(expected, session.run(list(expected), feeds), strict=True):
        want = np.asarray(expected[name])
        got = np.asarray(got).reshape(want.shape)
        if want.dtype.kind in "iuOU":
            wrong = (got != want).mean()
        else:
            wrong = (np.abs(got - want) > tolerance * np.maximum(1, np.abs(want))).mean()
        if wrong:
            raise SystemExit(f"output {name}: {wrong:.2%} of the values differ from the trained model's")
        print(f"parity: {name}, {len(want)} rows agree")


def save(args: argparse.Namespace, onnx: bytes, card: dict, cases: list[dict], profile: dict | None = None) -> pathlib.Path:
    """Writes `<out>/<name>/<version>/` with model.onnx, its card and some cases, {request_id, features, expected}, to try it with later; and what drift is held against."""
    folder = args.out / card["name"] / args.version
    folder.mkdir(parents=True, exist_ok=True)
    card = {"name": card["name"], "version": args.version, "sha256": hashlib.sha256(onnx).hexdigest()} | card
    (folder / "model.onnx").write_bytes(onnx)
    (folder / "model.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    (folder / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")
    if profile is not None:
        (folder / "profile.json").write_text(json.dumps(profile, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {folder}")
    if args.push:
        push(folder, models_container())
    else:
        print(f"serve it with: npx hubscore models push {folder}")
    return folder


def models_container() -> ContainerClient:
    """MODELS_URL, such as https://<account>.blob.core.windows.net/models, with the identity at hand; or MODELS_CONNECTION."""
    if connection := os.environ.get("MODELS_CONNECTION"):
        return ContainerClient.from_connection_string(connection, "models")
    url = os.environ.get("MODELS_URL")
    if not url:
        raise SystemExit("where to? Set MODELS_URL to https://<account>.blob.core.windows.net/models, or MODELS_CONNECTION to a connection string")
    from azure.identity import DefaultAzureCredential

    return ContainerClient.from_container_url(url, DefaultAzureCredential())


def push(folder: pathlib.Path, container: ContainerClient) -> None:
    """Uploads a version once and for ever: the card first, so that the model is never seen without it.
    @raises SystemExit where that version is there with other content: take a new version."""
    name, version = folder.parts[-2:]
    files = [file for file in ("model.json", "model.onnx", "profile.json") if (folder / file).exists()]
    for file in files:
        path, content = f"{name}/{version}/{file}", (folder / file).read_bytes()
        try:
            container.upload_blob(path, content, overwrite=False)
        except ResourceExistsError:
            if container.download_blob(path).readall() != content:
                raise SystemExit(f"{path} is there already and differs: versions are immutable, take a new one") from None
    print(f"pushed {name} {version}")
