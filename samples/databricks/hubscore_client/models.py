"""Models out of Blob Storage: the same files that the stream is scored with."""

import hashlib
import json
import re
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient


@dataclass(frozen=True)
class Model:
    """One version: `model.onnx` and `model.json`."""

    name: str
    version: str
    onnx: bytes
    card: dict

    @property
    def label(self) -> str:
        """As results name it: `1.1.0+a1b2c3d4`."""
        known_by = self.card.get("training_data_hash") or hashlib.sha256(self.onnx).hexdigest()
        return f"{self.version}+{known_by[:8]}"


def read_model(container: ContainerClient, name: str, version: str = "production") -> Model:
    """A version by its number, or by an alias of deployment.json; without one for production, the highest version is it."""
    if not re.match(r"\d+\.\d+\.\d+", version):
        version = _resolve(container, name, version)
    onnx = container.download_blob(f"{name}/{version}/model.onnx").readall()
    return Model(name, version, onnx, _read_json(container, f"{name}/{version}/model.json"))


def _resolve(container: ContainerClient, name: str, alias: str) -> str:
    aliases = _read_json(container, f"{name}/deployment.json").get("aliases") or {}
    aliases = {known.lower(): version for known, version in aliases.items()}
    if alias.lower() in aliases:
        return aliases[alias.lower()]
    paths = container.list_blob_names(name_starts_with=f"{name}/")
    found = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+)/model\.onnx", path[len(name) + 1 :]) for path in paths]
    versions = [tuple(map(int, match.groups())) for match in found if match]
    if alias.lower() != "production" or not versions:
        raise LookupError(f"model {name} has no version {alias}; there are {sorted(versions)} and {aliases}")
    return ".".join(map(str, max(versions)))


def _read_json(container: ContainerClient, path: str) -> dict:
    try:
        return json.loads(container.download_blob(path).readall())
    except ResourceNotFoundError:
        return {}
