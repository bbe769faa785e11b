import { asError, RequestError } from '../core/errors.ts';
import type { Request } from '../core/request.ts';
import type { Chunk, Placed } from './chunk.ts';
import { sliceRows } from './infer/slices.ts';
import type { Group, Run } from './run.ts';
import { type Stages, stagesOf } from './stages.ts';

/** Encodes a group chunk by chunk, as the model gets to them, so that a request is refused as late as late can be seen; refuses what does not fit. */
export function* encodeChunks({ version, places }: Group, run: Run): Iterable<Chunk> {
  let stages: Stages;
  try {
    stages = stagesOf(version);
  } catch (thrown) {
    for (const place of places) run.refuse(place, asRefusal(thrown));
    return;
  }
  const { rows: limit } = sliceRows(version);
  for (let next = 0; next < places.length; ) {
    const now = run.clock();
    const rows = stages.encoder.begin(Math.min(limit, places.length - next));
    const placed: Placed[] = [];
    let priority = Number.POSITIVE_INFINITY;
    let deadlineMs = Number.POSITIVE_INFINITY;
    while (next < places.length && rows.count < limit) {
      const place = places[next++] as number;
      const request = run.requests[place] as Request;
      try {
        checkDeadline(request, now);
        const { from, to, several } = rows.add(request.features);
        placed.push({ place, from, to, several });
        priority = Math.min(priority, request.priority);
        deadlineMs = Math.min(deadlineMs, deadlineOf(request));
      } catch (thrown) {
        run.refuse(place, asRefusal(thrown));
      }
    }
    if (placed.length > 0) yield { version, stages, rows, placed, priority, deadlineMs };
  }
}

function deadlineOf({ timeoutMs, enqueuedAtMs }: Request): number {
  return timeoutMs === undefined ? Number.POSITIVE_INFINITY : enqueuedAtMs + timeoutMs;
}

function checkDeadline(request: Request, now: number): void {
  if (now <= deadlineOf(request)) return;
  const { timeoutMs, enqueuedAtMs } = request;
  const message = `timeout_ms is ${timeoutMs}; the request waited ${Math.round(now - enqueuedAtMs)} ms`;
  throw new RequestError('deadline_exceeded', 'infer', message);
}

function asRefusal(thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown;
  const cause = asError(thrown);
  return new RequestError('unexpected', 'validate', cause.message, { cause });
}
