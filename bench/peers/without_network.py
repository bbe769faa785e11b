"""Scores bodies over and over, as often as it is asked: `without_network.py <model> <version> <file of bodies, a line each>`.

Reads `<candidate> <events>` a line, scores as many, answers with the nanoseconds they took. Candidates: `one-by-one`, `batched`,
and `batched-bare`, which leaves out the SDK's events and batches.
"""

import sys
import time
from itertools import cycle, islice

from azure.eventhub import EventData, EventDataBatch

from service import batched, one_by_one, one_frame_each, trained

BATCH = 256
MAX_BYTES = 1024 * 1024
name, version, path = sys.argv[1:4]
bodies = [line.encode() for line in open(path, encoding="utf8").read().splitlines()]
score_one = (one_by_one if name == "diabetes" else one_frame_each)(trained(name))
score_bodies = batched(name, version)


def run_one_by_one(events):
    for body in islice(cycle(bodies), events):
        batch = EventDataBatch(max_size_in_bytes=MAX_BYTES)
        batch.add(EventData(score_one(body)))


def run_batched(events):
    for _ in range(max(1, events // BATCH)):
        batch = EventDataBatch(max_size_in_bytes=MAX_BYTES)
        for body in score_bodies(bodies[:BATCH]):
            batch.add(EventData(body))


def run_batched_bare(events):
    for _ in range(max(1, events // BATCH)):
        score_bodies(bodies[:BATCH])


RUN = {"one-by-one": run_one_by_one, "batched": run_batched, "batched-bare": run_batched_bare}
print("ready", flush=True)
for line in sys.stdin:
    candidate, events = line.split()
    start = time.perf_counter_ns()
    RUN[candidate](int(events))
    print(time.perf_counter_ns() - start, flush=True)
