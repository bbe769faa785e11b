import { WaitedTooLong } from '../core/backend.ts';
import type { ResultCache } from '../core/cache.ts';
import type { EventBatch } from '../core/event.ts';
import type { Clock, Log } from '../core/log.ts';
import type { Catalog } from '../core/model.ts';
import type { Ending, ScoredBatch } from '../core/outcome.ts';
import type { Request } from '../core/request.ts';
import { allSettled } from './all-settled.ts';
import type { Chunk } from './chunk.ts';
import { decode, isRequest } from './decode.ts';
import { encodeChunks } from './encode-chunks.ts';
import { createFastRoad } from './fast/fast-road.ts';
import { answerPlanOf } from './fast/plan.ts';
import { writeBlock } from './fast/write-block.ts';
import { infer } from './infer.ts';
import { endingsOf, interpretChunk } from './interpret-chunk.ts';
import { recall } from './recall.ts';
import { createRenderer } from './render.ts';
import { route } from './route.ts';
import { type Group, Run } from './run.ts';
import { lanesOf } from './slices.ts';
import { standIn } from './stand-in.ts';

export { createDeadLetterRenderer, type DeadLetterRenderer } from './dead-letter.ts';

export interface PipelineOptions {
  readonly catalog: Catalog;
  readonly clock: Clock;
  /** For requests that name no time-out; undefined: none. */
  readonly requestTimeoutMs: number | undefined;
  /** Largest body of a result or a dead letter. */
  readonly maxBodyBytes: number;
  readonly log: Log;
  /** Where identical instances are remembered; absent: nowhere. */
  readonly cache?: ResultCache | undefined;
}

export interface Pipeline {
  /**
   * One rendered outcome for every request of the batch, in order; at least one for every event.
   * @throws InfrastructureError where storage is away and nothing is loaded; the signal's reason where it is aborted. Nothing else.
   */
  score(batch: EventBatch, signal: AbortSignal): Promise<ScoredBatch>;
  /** One ending for every request, in order, for requests that come from no event. Throws as `score` does. */
  predict(requests: readonly Request[], signal: AbortSignal): Promise<readonly Ending[]>;
}

/** decode → route → encode → infer → interpret, then rendered: values in, values out. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { catalog, clock, requestTimeoutMs, maxBodyBytes, log, cache } = options;
  const render = createRenderer(maxBodyBytes, clock);
  const fastRoad = createFastRoad({ catalog, clock, requestTimeoutMs, maxBodyBytes, cache });

  async function score(batch: EventBatch, signal: AbortSignal): Promise<ScoredBatch> {
    const usual = await fastRoad.score(batch, signal);
    if (usual !== undefined) return usual;
    const decoded = decode(batch, requestTimeoutMs);
    const run = await answer(decoded.filter(isRequest), signal);
    const block = decoded.length === batch.events.length ? writeBlock(batch, run, maxBodyBytes) : undefined;
    return block ?? { outcomes: render(batch, decoded, endingsOf(run)), slices: run.slices };
  }

  async function answer(requests: readonly Request[], signal: AbortSignal): Promise<Run> {
    const run = new Run(requests, clock, signal);
    const groups = await route(run, catalog);
    await allSettled(groups, async group => {
      await answerGroup(group, run);
      await standIn(group, run, catalog, log, answerGroup);
    });
    return run;
  }

  async function answerGroup(group: Group, run: Run): Promise<void> {
    const chunks = encodeChunks(group, run);
    await allSettled(lanesOf(group.version), async () => {
      for (const chunk of chunks) await answerChunk(chunk, run);
    });
  }

  async function answerChunk(chunk: Chunk, run: Run): Promise<void> {
    try {
      const recalled = cache && (await recall(chunk, cache));
      const inference = await infer(recalled ? { ...chunk, rows: recalled.rows } : chunk, run);
      const canWait = !recalled && inference.failed.size === 0 && answerPlanOf(chunk.version) !== undefined;
      if (canWait) run.uninterpreted.push({ chunk, inference });
      else interpretChunk(chunk, inference, run, recalled);
    } catch (thrown) {
      if (!(thrown instanceof WaitedTooLong)) throw thrown;
      // Encoded again, the requests that are late by now are refused and the others get in line once more.
      const group = { version: chunk.version, places: chunk.placed.map(({ place }) => place) };
      for (const rest of encodeChunks(group, run)) await answerChunk(rest, run);
    }
  }

  return { score, predict: async (requests, signal) => endingsOf(await answer(requests, signal)) };
}
