import type { Event } from '../core/event.ts';
import type { HubReader } from '../core/hub-reader.ts';
import { readRange } from '../core/read-range.ts';
import { someAtOnce } from '../core/some-at-once.ts';
import type { Rollout } from '../rollouts/document.ts';
import type { Watched } from '../rollouts/triggers.ts';
import type { Observation } from './blame.ts';
import { CandidateTrials, type Trial } from './trials.ts';

export interface ObserveOptions {
  readonly hubs: { readonly requests: HubReader; readonly results: HubReader; readonly deadLetters: HubReader };
  readonly model: string;
  readonly rollout: Pick<Rollout, 'id'>;
  readonly watched: Watched;
  /** What was asked in an event, request by request; undefined where it was none. */
  readonly read: (event: Event) => Promise<readonly (Pick<Observation, 'features' | 'segments'> | undefined)[]>;
  /** So many endings of each partition are looked at, the newest. */
  readonly atMost: number;
}

/** The candidate's trials among the newest endings, and the requests behind them; those that have expired are left out. @throws InfrastructureError; the signal's reason */
export async function observe(options: ObserveOptions, signal: AbortSignal): Promise<readonly Observation[]> {
  const { hubs, model, rollout, watched, atMost } = options;
  const observations: Observation[] = [];
  const { partitions } = await hubs.requests.describe(signal);
  await someAtOnce(partitions, partitions.length, async partition => {
    const mine = new CandidateTrials(model, rollout.id, watched);
    const trials: Trial[] = [];
    for (const [kind, reader] of [
      ['results', hubs.results],
      ['dead-letters', hubs.deadLetters],
    ] as const) {
      for await (const event of newest(reader, partition, atMost, signal)) {
        const trial = mine.of(kind, event);
        if (trial !== undefined) trials.push(trial);
      }
    }
    observations.push(...(await observePartition(partition, trials, options, signal)));
  });
  return observations;
}

async function* newest(reader: HubReader, partition: string, atMost: number, signal: AbortSignal) {
  const { last } = await reader.range(partition, signal);
  const from = { sequenceNumber: Math.max(0, last - atMost + 1) };
  for await (const block of readRange(reader, partition, from, signal)) yield* block;
}

async function observePartition(
  partition: string,
  trials: readonly Trial[],
  { hubs: { requests }, read }: ObserveOptions,
  signal: AbortSignal,
): Promise<readonly Observation[]> {
  const wanted = new Map<number, Trial[]>();
  for (const trial of trials) wanted.set(trial.sequenceNumber, [...(wanted.get(trial.sequenceNumber) ?? []), trial]);
  const places = [...wanted.keys()].sort((one, other) => one - other);
  const [first, last] = [places[0], places.at(-1)];
  if (first === undefined || last === undefined) return [];
  const observations: Observation[] = [];
  const range = await requests.range(partition, signal);
  const toRead = { ...range, last: Math.min(range.last, last) };
  for await (const block of readRange(requests, partition, { sequenceNumber: first }, signal, toRead)) {
    for (const event of block) {
      const mine = wanted.get(event.sequenceNumber);
      if (mine === undefined) continue;
      const asked = await read(event);
      for (const { part, bucket, isBad } of mine) {
        const found = asked[Math.max(0, part)];
        if (found !== undefined) observations.push({ ...found, bucket, isBad });
      }
    }
  }
  return observations;
}
