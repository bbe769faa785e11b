"""Runs samples/airflow by a real Airflow (`airflow dags test`) against the local stack.

Makes an environment of its own, since Airflow pins much.
Environment: STORAGE_CONNECTION, FUNCTIONS_URL; arguments: the folder of samples, a folder for the environment. Exit code 0: all well; 77: Airflow cannot be installed here, so that nothing was tried.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from azure.storage.blob import BlobServiceClient

import score_cases

AIRFLOW = "apache-airflow==3.3.2"
SAMPLES, PLACE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
DAY = "2026-11-20"


def airflow():
    """The command; None where it cannot be installed."""
    command = PLACE / "bin/airflow"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", PLACE], check=True)
        done = subprocess.run([PLACE / "bin/pip", "install", "--quiet", "--disable-pip-version-check", AIRFLOW], capture_output=True, text=True)
        if done.returncode != 0:
            print(f"Airflow cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
            return None
    return command


def main():
    command = airflow()
    if command is None:
        sys.exit(77)
    service = BlobServiceClient.from_connection_string(os.environ["STORAGE_CONNECTION"])
    score_cases.wait_until_served(score_cases.upload([SAMPLES / "models"]))
    lake = service.get_container_client("airflow")
    if not lake.exists():
        lake.create_container()
    rows = (SAMPLES / "models/diabetes/train.csv").read_text().splitlines()
    lines = [f"{'patient' if i == 0 else i},{line}" for i, line in enumerate(rows)]
    lake.upload_blob(f"in/dt={DAY}/a.csv", "\n".join(lines[:100]) + "\n", overwrite=True)
    lake.upload_blob(f"in/dt={DAY}/b.csv", "\n".join([lines[0], *lines[100:]]) + "\n", overwrite=True)
    job = {"model": "diabetes", "input": "airflow/in/dt={date}/*.csv", "output": "airflow/out/dt={date}.csv", "id_column": "patient", "archive": "airflow/old"}
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__DAGS_FOLDER": str(SAMPLES / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "HUBSCORE_URL": os.environ["FUNCTIONS_URL"],
            "HUBSCORE_KEY": "none is asked for",
            "HUBSCORE_JOB": json.dumps(job),
            "HUBSCORE_PAUSE_SECONDS": "1",
        }
        subprocess.run([command, "db", "migrate"], env=environment, check=True, capture_output=True)
        # Run again, a night finds its job and goes through.
        for _ in range(2):
            done = subprocess.run([command, "dags", "test", "hubscore_nightly", DAY], env=environment, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0 and "state=success" in done.stdout + done.stderr, (done.stdout + done.stderr)[-4000:]
    scored = lake.download_blob(f"out/dt={DAY}.csv").readall().decode().splitlines()
    assert [line.split(",")[0] for line in scored] == ["patient", *[str(i) for i in range(1, len(rows))]], scored[:3]
    assert lake.download_blob(f"old/dt={DAY}.csv").readall().decode().splitlines() == scored
    print(f"{len(scored) - 1} rows by five tasks, twice the same night")


if __name__ == "__main__":
    main()
