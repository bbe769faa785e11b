"""Scores last night's table by a batch job of hubscore, in the five steps of the usual nightly DAG.

The work is the functions app's; Airflow submits the job of the day and follows it, a task a step, so that the graph shows where a night stands. A run that is cleared and run again finds its
job by its name and goes on with it; one that failed is retried, and does only what is missing.

Environment, or Airflow's own variables of the same names in lower case:
  HUBSCORE_URL     https://<app>.azurewebsites.net
  HUBSCORE_KEY     a function key; empty where nothing asks for one
  HUBSCORE_JOB     the job as JSON, a body of POST /batch/jobs; {date} in it is the day of the run
"""
import json
import os
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta

try:
    from airflow.sdk import Variable, dag, get_current_context, task
except ImportError:  # Airflow 2
    from airflow.decorators import dag, task
    from airflow.models import Variable
    from airflow.operators.python import get_current_context

ENDED = ("succeeded", "failed", "cancelled")
EXAMPLE = {"model": "churn", "input": "lake/in/dt={date}/*.csv", "output": "lake/out/dt={date}/predictions.csv", "id_column": "user_id"}


def setting(name, default=""):
    return os.environ.get(name) or Variable.get(name.lower(), default)


def ask(method, path, body=None):
    """Status and JSON of a request to /batch/jobs. Raises where neither the app nor what stands before it gives an answer."""
    request = urllib.request.Request(
        f"{setting('HUBSCORE_URL').rstrip('/')}/batch/jobs{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json", "x-functions-key": setting("HUBSCORE_KEY")},
    )
    try:
        with urllib.request.urlopen(request, timeout=150) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read() or b"{}")


def expect(answer, *statuses):
    status, body = answer
    if status not in statuses:
        raise RuntimeError(f"hubscore answers {status}: {body.get('error', body)}")
    return body


def follow(job, step):
    """Waits until a step of a job is done."""
    while True:
        status = expect(ask("GET", f"/{job}"), 200)
        state = next(each["state"] for each in status["steps"] if each["name"] == step)
        progress = status["progress"]
        print(f"{job} is {status['state']}: {progress['chunks']} of {status['chunks']} chunks, {progress['rows']} rows, {progress['sla']}")
        if state == "done":
            return status
        if status["state"] in ENDED:
            raise RuntimeError(f"{job} {status['state']}: {(status.get('error') or {}).get('message')}")
        time.sleep(float(setting("HUBSCORE_PAUSE_SECONDS", "10")))


@dag(
    dag_id="hubscore_nightly",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    tags=["hubscore"],
)
def hubscore_nightly():
    @task
    def validate():
        """Submits the day's job, which is refused at once where it could not be scored; one that is there already goes on, or is retried where it had ended."""
        context = get_current_context()
        day = (context.get("logical_date") or context["dag_run"].run_after).strftime("%Y-%m-%d")
        job = f"nightly-{day}"
        request = json.loads(setting("HUBSCORE_JOB") or json.dumps(EXAMPLE))
        status = expect(ask("POST", "", {**request, "id": job, "date": day}), 200, 202)
        if status["state"] in ("failed", "cancelled"):
            expect(ask("POST", f"/{job}/retry"), 202)
        follow(job, "validate")
        return job

    @task
    def predict(job):
        follow(job, "predict")
        return job

    @task
    def report(job):
        follow(job, "report")
        found = expect(ask("GET", f"/{job}/report"), 200)
        print(json.dumps({key: found[key] for key in ("rows", "score", "rejects", "rows_per_second")}, indent=2))
        return job

    @task
    def archive(job):
        follow(job, "archive")
        return job

    @task
    def clean_up(job):
        return follow(job, "clean-up")["output"]

    clean_up(archive(report(predict(validate()))))


hubscore_nightly()
