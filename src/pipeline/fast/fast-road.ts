import type { ResultCache } from '../../core/cache.ts';
import type { Event, EventBatch } from '../../core/event.ts';
import type { Clock } from '../../core/log.ts';
import type { Catalog } from '../../core/model.ts';
import type { ScoredBatch, SliceTiming } from '../../core/outcome.ts';
import { allSettled } from '../all-settled.ts';
import { cacheTrialOf } from '../cache-trial.ts';
import { lanesOf } from '../slices.ts';
import { BlockBatch } from './block-batch.ts';
import { ScannedIds } from './ids.ts';
import { type FastPlan, fastPlanOf } from './plan.ts';
import { type AnsweredSlice, ResultWriter } from './result-writer.ts';
import { RequestScanner } from './scan-request.ts';

export interface FastRoad {
  /** The whole batch's results, or undefined where any of it is out of the ordinary: then the plain road takes all of it. */
  score(batch: EventBatch, signal: AbortSignal): Promise<ScoredBatch | undefined>;
}

export interface FastRoadOptions {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly requestTimeoutMs: number | undefined;
  readonly maxBodyBytes: number;
  /** Versions for which it is worth its cost are left to the plain road, which asks it. */
  readonly cache?: ResultCache | undefined;
}

/** The model and version that a request names. */
interface Head {
  readonly model: string | undefined;
  readonly modelVersion: string | undefined;
}

/** What requests ask for, and who answers it. */
interface Asked {
  readonly head: Head;
  readonly model: Uint8Array;
  readonly modelVersion: Uint8Array;
  readonly plan: FastPlan;
  /** Where the features of a request that is only looked at go. */
  readonly row: Float32Array;
}

/**
 * The usual batch on a short way: requests of the narrow shape, all for one model version that is loaded, numbers in, classes or a number out.
 * The same endings as by the plain road, at a quarter of its cost. It decides nothing itself: whatever it does not
 * know, it leaves to the plain road.
 */
export function createFastRoad(options: FastRoadOptions): FastRoad {
  const { catalog, clock, requestTimeoutMs = Number.POSITIVE_INFINITY, maxBodyBytes, cache } = options;
  const scanner = new RequestScanner();
  let last: Asked | undefined;

  /** What the first event asks for stands for all; undefined where that is no usual request, or its version not loaded or not for this road. */
  function askedOf({ body }: Event): Asked | undefined {
    const before = last !== undefined && asksLike(last, body) ? last : undefined;
    const head = before?.head ?? readHead(body);
    const plan = head && planFor(head, catalog);
    if (head === undefined || plan === undefined) return undefined;
    if (before?.plan === plan) return before;
    const [model, modelVersion] = [Buffer.from(head.model ?? ''), Buffer.from(head.modelVersion ?? '')];
    last = { head, model, modelVersion, plan, row: new Float32Array(plan.width) };
    return last;
  }

  /** A quarter of what reading the head of a request anew takes. */
  function asksLike(asked: Asked, body: Buffer): boolean {
    return scanner.scan(body, asked.row, 0, asked.plan.width) && asksThe(asked, body, scanner);
  }

  return {
    async score(batch, signal) {
      const { events } = batch;
      const asked = events[0] && askedOf(events[0]);
      if (asked === undefined) return undefined;
      const { plan } = asked;
      const count = events.length;
      if (cache !== undefined && cacheTrialOf(plan.version).isWorthIt(count)) return undefined;
      const rows = new Float32Array(count * plan.width);
      const ids = new ScannedIds(count);
      let oldestMs = Number.POSITIVE_INFINITY;
      for (let row = 0; row < count; row++) {
        const event = events[row] as Event;
        const { body } = event;
        if (!isPlain(event) || !scanner.scan(body, rows, row, plan.width)) return undefined;
        if ((row === 0 || !scanner.fieldsRepeat) && !asksThe(asked, body, scanner)) return undefined;
        const quote = scanner.idIsNumber ? 0 : 1;
        if (scanner.idEnd > 0) ids.set(row, scanner.idStart - quote, scanner.idEnd + quote);
        if (event.enqueuedAtMs < oldestMs) oldestMs = event.enqueuedAtMs;
      }
      const waitMs = () => oldestMs + requestTimeoutMs - clock();
      const slices = await infer({ plan, rows, count }, waitMs, signal);
      if (slices === undefined) return undefined;
      const block = new ResultWriter(plan, `${batch.hub}/${batch.partition}/`, { events, ids, slices }, clock());
      return block.maxBodyBytes <= maxBodyBytes
        ? new BlockBatch(
            block,
            slices.map(slice => slice.timing),
          )
        : undefined;
    },
  };
}

/** Undefined where a rollout, a fallback or another version than the one asked for is to be told apart, or where the version is not for this road. */
function planFor({ model, modelVersion }: Head, catalog: Catalog): FastPlan | undefined {
  try {
    // A rollout would choose by the routing key; where one does, the route bears a variant and the plain road asks for each request.
    const route = catalog.route(model, modelVersion, '');
    if (route instanceof Promise) {
      route.catch(() => {}); // the plain road asks again and reports it
      return undefined;
    }
    if (route.variant !== undefined || route.fallback || route.requestedVersion !== undefined) return undefined;
    return fastPlanOf(route.version);
  } catch {
    return undefined; // an unknown model: the plain road words it
  }
}

function readHead(body: Buffer): Head | undefined {
  try {
    const { model, model_version } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    const isName = (value: unknown) => value === undefined || (typeof value === 'string' && value !== '');
    if (!isName(model) || !isName(model_version)) return undefined;
    return { model: model as string | undefined, modelVersion: model_version as string | undefined };
  } catch {
    return undefined;
  }
}

function isPlain({ contentEncoding, contentType, properties }: Event): boolean {
  if (contentEncoding !== undefined || (contentType !== undefined && contentType !== 'application/json')) return false;
  // By which a producer may say what the body does not. Asked for one by one: going through all of them takes longer.
  const { model, model_version, priority, routing_key } = properties;
  return model === undefined && model_version === undefined && priority === undefined && routing_key === undefined;
}

function asksThe(asked: Asked, body: Buffer, scanner: RequestScanner): boolean {
  return (
    equalText(body, scanner.modelStart, scanner.modelEnd, asked.model) &&
    equalText(body, scanner.versionStart, scanner.versionEnd, asked.modelVersion)
  );
}

/** Whether a scanned text is the one expected; both absent is equal too. */
function equalText(body: Buffer, start: number, end: number, expected: Uint8Array): boolean {
  if (end === 0) return expected.length === 0;
  if (end - start !== expected.length || end === start) return false;
  for (let i = 0; i < expected.length; i++) if (body[start + i] !== expected[i]) return false;
  return true;
}

/**
 * Undefined where a slice fails, or says what the plain road has to judge, or where a request's time is up before its slice's turn.
 * @param waitMs how long a slice may still wait for its turn
 */
async function infer(
  { plan, rows, count }: { readonly plan: FastPlan; readonly rows: Float32Array; readonly count: number },
  waitMs: () => number,
  signal: AbortSignal,
): Promise<(AnsweredSlice & { readonly timing: SliceTiming })[] | undefined> {
  const { version, input, width, sliceRows, read } = plan;
  const slices: (AnsweredSlice & { readonly timing: SliceTiming })[] = [];
  let next = 0;
  let usual = true;

  async function runSlices(): Promise<void> {
    while (usual && next < count) {
      const from = next;
      const size = Math.min(sliceRows, count - from);
      next += size;
      if (!(await runSlice(from, size))) usual = false;
    }
  }

  async function runSlice(from: number, size: number): Promise<boolean> {
    const data = rows.subarray(from * width, (from + size) * width);
    const maxWaitMs = waitMs();
    if (maxWaitMs <= 0) return false;
    const start = performance.now();
    try {
      const inputs = { [input]: { type: 'float32', dims: [size, width], data } } as const;
      const outputs = await version.backend.predict(inputs, { signal, maxWaitMs });
      const computeMs = performance.now() - start;
      const answers = read(outputs, size);
      if (answers === undefined) return false;
      const timing = { model: version.name, modelVersion: version.label, instances: size, computeMs };
      slices[from / sliceRows] = { from, to: from + size, answers, computeMs, timing };
      return true;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  const lanes = lanesOf(version);
  await (lanes.length === 1 ? runSlices() : allSettled(lanes, runSlices));
  return usual ? slices : undefined;
}
