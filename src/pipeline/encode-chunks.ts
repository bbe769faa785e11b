import { asError, RequestError } from '../core/errors.ts';
import type { ModelVersion } from '../core/model.ts';
import type { Request } from '../core/request.ts';
import type { Rows, Span } from './encode.ts';
import { sliceRows } from './infer.ts';
import type { Group, Run } from './run.ts';
import { type Stages, stagesOf } from './stages.ts';

/** Requests whose instances stand in rows, ready for the model: about a slice of them, more where one request alone has more. */
export interface Chunk {
  readonly version: ModelVersion;
  readonly stages: Stages;
  readonly rows: Rows;
  readonly placed: readonly Placed[];
  /** The most urgent of its requests'. */
  readonly priority: number;
  /** The first of its requests' deadlines, milliseconds since the epoch; infinite where none has one. */
  readonly deadlineMs: number;
}

/** A request by its place in the run, and its instances by theirs in the rows. */
export interface Placed extends Span {
  readonly place: number;
}

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
