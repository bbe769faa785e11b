import { BUCKETS, bucketsOf } from './bucket.ts';
import { type DeploymentDocument, type HistoryEntry, isOpen, type Rollout } from './document.ts';
import { weights } from './ramp.ts';

export type Variant = 'candidate' | 'production';

/** What routes the events enqueued from a time on, up to that of the state before it in the list. */
export interface RoutingState {
  /** Milliseconds since the epoch; −∞: all before. */
  readonly fromMs: number;
  readonly revision: number;
  /** Alias in lower case → version. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Where one divides the traffic. */
  readonly rollout: Rollout | undefined;
  /** The candidate's share of it at a time, per cent. */
  readonly weightAt: (atMs: number) => number;
  /** What a key falls into; -1 where there is no rollout. */
  readonly bucketOf: (key: string) => number;
}

/** How a request that goes to `production` is routed. */
export interface Choice {
  readonly state: RoutingState;
  /** Undefined: the request takes no part in a rollout, and goes where `production` points. */
  readonly variant: Variant | undefined;
  /** −1 where it takes no part. */
  readonly bucket: number;
}

/** The states that a document still routes by, newest first; at least one, and the last is for all events before. */
export function routingStates(document: DeploymentDocument): readonly RoutingState[] {
  const states: RoutingState[] = [stateOf(document)];
  for (const entry of document.routing_history) {
    // What holds for every event, as a rollback does, voids all that was before it.
    if (states.at(-1)?.fromMs === Number.NEGATIVE_INFINITY) break;
    states.push(stateOf(entry));
  }
  states.push({ ...(states.pop() as RoutingState), fromMs: Number.NEGATIVE_INFINITY });
  return states;
}

/** The state that was in force under a revision, whether it still routes or not; undefined where it is too long ago. */
export function stateUnder(document: DeploymentDocument, revision: number): RoutingState | undefined {
  const entry = [document, ...document.routing_history].find(entry => entry.revision === revision);
  return entry && stateOf(entry);
}

function stateOf({ effective_at, revision, aliases, rollout }: HistoryEntry): RoutingState {
  return {
    fromMs: effective_at === undefined ? Number.NEGATIVE_INFINITY : Date.parse(effective_at),
    revision,
    aliases: new Map(Object.entries(aliases).map(([alias, to]) => [alias.toLowerCase(), to])),
    rollout: isOpen(rollout) ? rollout : undefined,
    weightAt: isOpen(rollout) ? weights(rollout) : () => 0,
    bucketOf: isOpen(rollout) ? bucketsOf(rollout.id) : () => -1,
  };
}

/** The state that routes an event by the time it was enqueued at, milliseconds since the epoch. */
export function stateAt(states: readonly RoutingState[], enqueuedAtMs: number): RoutingState {
  for (const state of states) if (enqueuedAtMs >= state.fromMs) return state;
  return states.at(-1) as RoutingState;
}

/**
 * Routes a request for production by its key, its segments and the time its event was enqueued at. Pure: the same whoever asks, and whenever, so that a redelivery
 * goes where the first delivery went.
 */
export function choose(
  states: readonly RoutingState[],
  key: string,
  segments: readonly string[],
  enqueuedAtMs: number,
): Choice {
  const state = stateAt(states, enqueuedAtMs);
  const bucket = bucketIn(state, key, segments);
  return { state, variant: bucket < 0 ? undefined : variantOf(state, bucket, enqueuedAtMs), bucket };
}

/** The bucket of a key; -1 where its request takes no part in a rollout. */
export function bucketIn({ rollout, bucketOf }: RoutingState, key: string, segments: readonly string[]): number {
  return rollout === undefined || !takesPart(rollout, segments) ? -1 : bucketOf(key);
}

/** The arm of a bucket at a time: what a result must bear that says its revision and its bucket. */
export function variantOf(state: RoutingState, bucket: number, enqueuedAtMs: number): Variant {
  return isCandidate(state, bucket, enqueuedAtMs) ? 'candidate' : 'production';
}

export function isCandidate(state: RoutingState, bucket: number, enqueuedAtMs: number): boolean {
  return bucket < limitAt(state, enqueuedAtMs);
}

/** Buckets below it are the candidate's at a time. */
export function limitAt({ weightAt }: RoutingState, enqueuedAtMs: number): number {
  return (weightAt(enqueuedAtMs) * BUCKETS) / 100;
}

function takesPart({ segments }: Rollout, mine: readonly string[]): boolean {
  return segments === undefined || mine.some(segment => segments.includes(segment));
}
