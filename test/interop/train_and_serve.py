"""Runs training samples, which push what they made to storage, and holds what the stream then answers against the trained models.

Environment: EVENTHUBS_CONNECTION, STORAGE_CONNECTION, FUNCTIONS_URL; arguments: training scripts. Exit code 0: all well.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import score_cases

SCRIPTS = [pathlib.Path(argument) for argument in sys.argv[1:]]
sys.path.insert(0, str(SCRIPTS[0].parent))
os.environ |= {"MODELS_CONNECTION": os.environ["STORAGE_CONNECTION"], "SPARK_LOCAL_IP": "127.0.0.1"}

import hubscore_model  # noqa: E402


def pushed_once_and_for_ever(folder):
    """The same again is well; anything else under that version is refused."""
    container = hubscore_model.models_container()
    hubscore_model.push(folder, container)
    card = folder / "model.json"
    card.write_text(card.read_text().replace("{", '{"changed": true,', 1))
    try:
        hubscore_model.push(folder, container)
    except SystemExit:
        return
    raise AssertionError(f"{folder} was changed after it was pushed")


def says_where_to_push():
    """Without a container's address, what to set, before anything is trained."""
    without = {name: value for name, value in os.environ.items() if not name.startswith("MODELS_")}
    tried = subprocess.run([sys.executable, SCRIPTS[0].name, "--push"], cwd=SCRIPTS[0].parent, env=without, capture_output=True, text=True)
    assert tried.returncode == 1 and "Set MODELS_URL to https://" in tried.stderr and "Traceback" not in tried.stderr, tried.stderr


with tempfile.TemporaryDirectory(prefix="hubscore-training-") as out:
    says_where_to_push()
    score_cases.upload([])  # the container
    for script in SCRIPTS:
        subprocess.run([sys.executable, script.name, "--out", out, "--push"], cwd=script.parent, check=True)
    failed = score_cases.main([out])
    for onnx in pathlib.Path(out).glob("*/*/model.onnx"):
        pushed_once_and_for_ever(onnx.parent)
    sys.exit(failed)
