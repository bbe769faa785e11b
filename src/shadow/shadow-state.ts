import { BlobGone, type Blobs } from '../core/blobs.ts';
import { addTally, NO_TALLY, type Tally } from './pairs.ts';

/** The newest layout of the blobs that this app understands; those of a newer one it leaves alone. */
const SCHEMA = 1;

/** How far one partition of the requests hub is paired, and what that came to: cursor and counters in one blob. */
export interface ShadowState extends Tally {
  readonly schema: number;
  /** Of the requests hub that the cursor is in; another one by the same name begins anew. */
  readonly hub_created_at_ms: number;
  /** The last request that is done with. */
  readonly cursor: number;
  /** When it was enqueued, milliseconds since the epoch. */
  readonly cursor_at_ms: number;
  /** Of the results partition, the first event that may be of a request behind the cursor. */
  readonly results_from: number;
  /** Requests that were sampled, whatever came of them. */
  readonly sampled: number;
  /** Requests that had expired before they were read. */
  readonly lost: number;
}

/** What a shadow's blobs lie under: `shadow/churn/1.2.0/`. */
export const folderOf = (model: string, version: string) => `shadow/${model}/${version}/`;

const stateFolder = (model: string, version: string, id: string) => `${folderOf(model, version)}state/${id}/`;

export const statePath = (model: string, version: string, id: string, partition: string) =>
  `${stateFolder(model, version, id)}${partition}.json`;

/** An app of a newer version has been here. */
export class NewerShadow extends Error {
  override readonly name = 'NewerShadow';
}

/** @returns undefined where there is none. @throws NewerShadow */
export async function readState(
  blobs: Blobs,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly state: ShadowState; readonly etag: string } | undefined> {
  try {
    const { text, etag } = await blobs.readText(path, signal);
    const state = JSON.parse(text) as ShadowState;
    if (state.schema > SCHEMA) throw new NewerShadow(`${path} was written by a newer hubscore`);
    return { state, etag };
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}

/** Before the first request. */
export function newState(hubCreatedAtMs: number, cursor: number, resultsFrom: number): ShadowState {
  return {
    ...NO_TALLY,
    ...{ schema: SCHEMA, hub_created_at_ms: hubCreatedAtMs, cursor, cursor_at_ms: 0, results_from: resultsFrom },
    ...{ sampled: 0, lost: 0 },
  };
}

/** All partitions of a shadow together. */
export async function readTally(
  blobs: Blobs,
  { model, version, id }: { readonly model: string; readonly version: string; readonly id: string },
  signal: AbortSignal,
): Promise<Tally & { readonly sampled: number; readonly lost: number; readonly partitions: number }> {
  let [tally, sampled, lost, partitions] = [NO_TALLY, 0, 0, 0];
  for (const { path } of await blobs.list(stateFolder(model, version, id), signal)) {
    const there = await readState(blobs, path, signal);
    if (there === undefined) continue;
    tally = addTally(tally, there.state);
    sampled += there.state.sampled;
    lost += there.state.lost;
    partitions++;
  }
  return { ...tally, sampled, lost, partitions };
}
