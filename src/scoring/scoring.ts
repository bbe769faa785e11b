import { allSettled } from '../core/all-settled.ts';
import type { ResultCache } from '../core/cache.ts';
import type { Catalog } from '../core/catalog.ts';
import type { Decoder } from '../core/codec.ts';
import type { EventBatch } from '../core/event.ts';
import { FaultLog } from '../core/fault-log.ts';
import type { Clock, Log } from '../core/log.ts';
import type { Ending, SliceTiming } from '../core/outcome.ts';
import type { Request } from '../core/request.ts';
import type { ScoredBatch } from '../core/scored-batch.ts';
import { abortable } from '../core/waiting.ts';
import { toEndings } from './answers/to-endings.ts';
import { type WriteEndingsOptions, writeEndings } from './answers/write-endings.ts';
import { decode } from './decode.ts';
import type { Group } from './group.ts';
import { inferGroup, refuseAnsweredLate, refuseEmpty, refuseFailed } from './infer/infer-group.ts';
import { route } from './route.ts';
import { fillRows } from './rows/fill-rows.ts';
import { ScannedRows } from './rows/scanned-rows.ts';
import { Run } from './run.ts';
import { standIn } from './stand-in.ts';

export interface ScoringOptions extends WriteEndingsOptions {
  readonly decoder: Decoder;
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** For requests that name no time-out; undefined: none. */
  readonly requestTimeoutMs: number | undefined;
  readonly log: Log;
  /** Where identical instances are remembered; absent: nowhere. */
  readonly cache?: ResultCache | undefined;
}

export interface Scoring {
  /**
   * One ending for every request of the batch, in order; at least one for every event.
   * @throws InfrastructureError where storage is away and nothing is loaded; the signal's reason where it is aborted. Nothing else.
   */
  score(batch: EventBatch, signal: AbortSignal): Promise<ScoredBatch>;
  /**
   * One ending for every request, in order, for requests that come from no event. Throws as `score` does.
   * @param timings what ran is added to them
   */
  predict(requests: readonly Request[], signal: AbortSignal, timings?: SliceTiming[]): Promise<readonly Ending[]>;
}

/** Values in, values out: codecs → route → rows → infer → answers. */
export function createScoring(options: ScoringOptions): Scoring {
  const { decoder, catalog, clock, requestTimeoutMs, log, cache } = options;
  const scanned = new ScannedRows(decoder.createScanner(), catalog);
  const faults = new FaultLog(log, clock);

  async function score(batch: EventBatch, signal: AbortSignal): Promise<ScoredBatch> {
    await current(signal);
    const run = new Run({ clock, signal, requestTimeoutMs }, batch.events.length, batch, decoder);
    await decode(run, batch, decoder, scanned);
    await answer(run);
    return writeEndings(run, batch, options);
  }

  async function predict(
    requests: readonly Request[],
    signal: AbortSignal,
    timings?: SliceTiming[],
  ): Promise<readonly Ending[]> {
    await current(signal);
    const run = new Run({ clock, signal, requestTimeoutMs: undefined }, requests.length);
    requests.forEach((request, i) => {
      run.add(request, i);
    });
    await answer(run);
    timings?.push(...run.slices);
    return toEndings(run);
  }

  async function current(signal: AbortSignal): Promise<void> {
    const due = catalog.current?.();
    if (due !== undefined) await abortable(due, signal);
  }

  async function answer(run: Run): Promise<void> {
    for (const [group, places] of await route(run, catalog)) fillRows(group, places, run);
    const infer = (group: Group) => inferGroup(group, run, cache);
    await allSettled(run.groups.values(), async group => {
      await infer(group);
      refuseFailed(group, run);
      await standIn(group, run, catalog, log, infer);
    });
    refuseEmpty(run);
    refuseAnsweredLate(run);
    for (const [place, { error }] of run.refusals) {
      if (error.code !== 'unexpected') continue;
      faults.tell(
        `${run.request(place).resultId} (${error.stage})`,
        error.cause instanceof Error ? error.cause : error,
      );
    }
  }

  return { score, predict };
}
