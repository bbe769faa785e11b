import type { Blobs } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import type { HubReader, StoredEvent } from '../core/hub-reader.ts';
import type { Clock, Log } from '../core/log.ts';
import { someAtOnce } from '../core/some-at-once.ts';
import { withDeadline } from '../core/waiting.ts';
import type { EndingKind, WeightOf } from './fold.ts';
import { writeChunk } from './labels/chunks.ts';
import { createLabelJoin } from './labels/label-join.ts';
import { sweepLabels } from './labels/sweep-labels.ts';
import { createOldWindows } from './old-windows.ts';
import { NewerState } from './partition-state.ts';
import { type SweepPartitionOptions, sweepPartition } from './sweep-partition.ts';
import { claimTurn, SWEEP_TURN } from './turn.ts';

export interface SweepOptions {
  readonly hubs: { readonly results: HubReader; readonly deadLetters: HubReader; readonly labels: HubReader };
  /** The container of what the app keeps for itself. */
  readonly blobs: Blobs;
  /** At which weight the rollouts of now and of late routed. */
  readonly weights: (signal: AbortSignal) => Promise<WeightOf>;
  /** Tells those who take turns apart. */
  readonly holder: string;
  /** How long a label waits for its request. */
  readonly labelWindowMs: number;
  /** How long windows are kept. */
  readonly windowsKeptMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SweepReport {
  /** Events that were new. */
  readonly counted: number;
  /** Events that are there and not counted yet, by hub. */
  readonly behind: Readonly<Record<string, number>>;
  readonly tookMs: number;
}

/** Counts what came to results, dead letters and labels since the last time, whoever did it then. */
export interface Sweep {
  /** @returns undefined where it is somebody else's turn */
  run(signal: AbortSignal): Promise<SweepReport | undefined>;
}

/** Less than a turn is: what is read is kept before it ends. */
const BUDGET_MS = 7_000;
const PARTITIONS_AT_ONCE = 4;
/** Labels take less; storage that hangs holds up no verdict. */
const JOIN_MS = 20_000;

export function createSweep(options: SweepOptions): Sweep {
  const { hubs, blobs, holder, clock, log } = options;
  const join = createLabelJoin({ blobs, windowMs: options.labelWindowMs, clock });
  const forgetOld = createOldWindows({ blobs, keptMs: options.windowsKeptMs, clock, log });
  let missing = '';
  let labelsTaken = 0;

  async function sweepEndings(
    kind: EndingKind,
    reader: HubReader,
    weightOf: WeightOf,
    untilMs: number,
    signal: AbortSignal,
  ) {
    let counted = 0;
    let behind = 0;
    const { createdAtMs: hubCreatedAtMs, partitions } = await reader.describe(signal);
    await someAtOnce(partitions, PARTITIONS_AT_ONCE, async partition => {
      const keepPredictions: SweepPartitionOptions['keepPredictions'] = (from, lines) =>
        writePredictions(partition, from, lines, signal);
      const more = { kind, reader, blobs, hubCreatedAtMs, weightOf, clock, untilMs };
      const asked: SweepPartitionOptions = kind === 'results' ? { ...more, keepPredictions } : more;
      for (;;) {
        const swept = await sweepPartition(partition, asked, signal);
        counted += swept.counted;
        if (swept.behind > 0 && clock() < untilMs) continue;
        behind += swept.behind;
        return;
      }
    });
    return { counted, behind };
  }

  async function writePredictions(
    partition: string,
    { sequenceNumber: from, enqueuedAtMs: atMs }: StoredEvent,
    lines: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    if (lines.length === 0) return;
    await writeChunk(blobs, { kind: 'predictions', partition, from, atMs }, lines, signal);
    join.note();
  }

  /** A namespace of before has no such hub. */
  async function takeInLabels(untilMs: number, signal: AbortSignal) {
    let counted = 0;
    let behind = 0;
    const reader = hubs.labels;
    let described: Awaited<ReturnType<HubReader['describe']>>;
    try {
      described = await reader.describe(signal);
      missing = '';
    } catch (thrown) {
      const { message } = asError(thrown);
      if (message !== missing) log.warn(`labels are not read: ${message}`);
      missing = message;
      return { counted, behind };
    }
    const { createdAtMs: hubCreatedAtMs, partitions } = described;
    let taken = 0;
    await someAtOnce(partitions, PARTITIONS_AT_ONCE, async partition => {
      const swept = await sweepLabels(partition, { reader, blobs, hubCreatedAtMs, clock, untilMs }, signal);
      counted += swept.counted;
      behind += swept.behind;
      taken += swept.state.labels;
    });
    // Also those that another instance took in, which may have died before it joined them.
    if (taken !== labelsTaken) join.note();
    labelsTaken = taken;
    return { counted, behind };
  }

  /** What labels say comes the next time, then: rollouts are judged by what is counted. */
  async function joinLabels(signal: AbortSignal): Promise<void> {
    try {
      await withDeadline(JOIN_MS, signal, own => join.run(own));
    } catch (thrown) {
      signal.throwIfAborted();
      log.warn(`labels are not joined: ${asError(thrown).message}`);
    }
  }

  return {
    async run(signal) {
      const startedAtMs = clock();
      if (!(await claimTurn(blobs, SWEEP_TURN, holder, startedAtMs, signal))) return undefined;
      const untilMs = startedAtMs + BUDGET_MS;
      const weightOf = await options.weights(signal);
      const endings = [
        ['results', hubs.results],
        ['dead-letters', hubs.deadLetters],
      ] as const;
      const behind: Record<string, number> = {};
      let counted = 0;
      try {
        await Promise.all(
          endings.map(async ([kind, reader]) => {
            const swept = await sweepEndings(kind, reader, weightOf, untilMs, signal);
            counted += swept.counted;
            behind[reader.hub] = swept.behind;
          }),
        );
        const labels = await takeInLabels(untilMs, signal);
        counted += labels.counted;
        behind[hubs.labels.hub] = labels.behind;
        await joinLabels(signal);
        await forgetOld(signal);
      } catch (thrown) {
        if (!(thrown instanceof NewerState)) throw thrown;
        log.warn(`nothing is counted: ${thrown.message}`);
        return undefined;
      }
      return { counted, behind, tookMs: clock() - startedAtMs };
    },
  };
}
