import type { Blobs } from '../core/blobs.ts';
import { lineOf, type Pair } from './pairs.ts';
import { folderOf } from './shadow-state.ts';

export type LinesKind = 'pairs' | 'flips';

/** Where one reading of one partition begins and ends, in sequence numbers of requests. */
export interface Span {
  readonly partition: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Writes pairs, and the flips among them once more, as NDJSON in a folder an hour. A reading that was killed before it kept its cursor is done again, perhaps further: what stands twice then
 * bears the same `result_id`.
 */
export async function writePairs(
  blobs: Blobs,
  { model, version }: { readonly model: string; readonly version: string },
  { partition, from, to }: Span,
  pairs: readonly Pair[],
  signal: AbortSignal,
): Promise<void> {
  const byHour = new Map<string, Pair[]>();
  for (const pair of pairs) {
    const hour = new Date(pair.candidate.enqueuedAtMs ?? 0).toISOString().slice(0, 13);
    byHour.set(hour, [...(byHour.get(hour) ?? []), pair]);
  }
  for (const [hour, own] of byHour) {
    const write = async (kind: LinesKind, chosen: readonly Pair[]) => {
      if (chosen.length === 0) return;
      const path = `${folderOf(model, version)}${kind}/${hour}/${partition}-${from}-${to}.ndjson`;
      await blobs.writeText(path, chosen.map(pair => `${lineOf(pair)}\n`).join(''), 'any', signal);
    };
    await write('pairs', own);
    await write(
      'flips',
      own.filter(({ isFlip }) => isFlip),
    );
  }
}

const MAX_BYTES = 64 * 1024 * 1024;

/** A flip as its line has it. */
export interface FlipLine {
  readonly result_id: string;
  readonly request_id?: unknown;
  readonly enqueued_at?: string;
  readonly baseline: Readonly<Record<string, unknown>>;
  readonly candidate: Readonly<Record<string, unknown>>;
}

/** The flips of a version's requests from a time on, each once, the oldest hour first. */
export async function readFlips(
  blobs: Blobs,
  { model, version }: { readonly model: string; readonly version: string },
  fromMs: number,
  signal: AbortSignal,
): Promise<readonly FlipLine[]> {
  const flips = new Map<string, FlipLine>();
  const from = new Date(fromMs).toISOString();
  const folder = `${folderOf(model, version)}flips/`;
  for (const { path } of await blobs.list(folder, signal)) {
    if (path.slice(folder.length) < from.slice(0, 13)) continue;
    const { text } = await blobs.readText(path, signal, MAX_BYTES);
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const flip = JSON.parse(line) as FlipLine;
      if ((flip.enqueued_at ?? '') >= from) flips.set(flip.result_id, flip);
    }
  }
  return [...flips.values()];
}
