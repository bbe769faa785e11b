"""Batch jobs of the functions app by HTTP."""
import json
import time
import urllib.error
import urllib.request

ENDED = ("succeeded", "failed", "cancelled")


class JobRefused(Exception):
    """The app does not take the job, or does not know it; the message says why."""


class Jobs:
    """`url`: of the functions app. `key`: a function key, empty where none is asked for."""

    def __init__(self, url, key=""):
        self.url, self.key = url.rstrip("/"), key

    def submit(self, **job):
        """A body of POST /batch/jobs: model, input, output, id_column and so on. Returns the job."""
        return self._ask("POST", "", job)

    def status(self, job_id):
        return self._ask("GET", f"/{job_id}")

    def report(self, job_id):
        return self._ask("GET", f"/{job_id}/report")

    def retry(self, job_id):
        return self._ask("POST", f"/{job_id}/retry")

    def wait(self, job_id, seconds=7200, pause=5, sleep=time.sleep):
        """The job once it succeeded. Raises JobRefused where it does not, TimeoutError after `seconds`."""
        end = time.monotonic() + seconds
        while True:
            job = self.status(job_id)
            if job["state"] == "succeeded":
                return job
            if job["state"] in ENDED:
                raise JobRefused(f"{job_id} {job['state']}: {(job.get('error') or {}).get('message')}")
            if time.monotonic() > end:
                raise TimeoutError(f"{job_id} is {job['state']} after {seconds} s")
            sleep(pause)

    def _ask(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self.url}/batch/jobs{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json", **({"x-functions-key": self.key} if self.key else {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=150) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            said = refused.read().decode()
            raise JobRefused(f"{refused.code}: {json.loads(said)['error'] if said.startswith('{') else said}") from refused
