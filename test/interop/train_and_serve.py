"""Runs training samples, which push what they made to storage, and holds what the stream then answers against the trained models.

Environment: EVENTHUBS_CONNECTION, STORAGE_CONNECTION, FUNCTIONS_URL; arguments: training scripts. Exit code 0: all well.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import score_cases

environment = os.environ | {"MODELS_CONNECTION": os.environ["STORAGE_CONNECTION"], "SPARK_LOCAL_IP": "127.0.0.1"}
with tempfile.TemporaryDirectory(prefix="hubscore-training-") as out:
    score_cases.upload([])  # the container
    for script in map(pathlib.Path, sys.argv[1:]):
        for _ in range(2 if script.stem == "train_sklearn" else 1):  # the same again changes nothing
            subprocess.run([sys.executable, script.name, "--out", out, "--push"], cwd=script.parent, env=environment, check=True)
    sys.exit(score_cases.main([out]))
