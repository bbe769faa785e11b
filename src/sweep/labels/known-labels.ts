import type { BlobEntry, Blobs } from '../../core/blobs.ts';
import { eachLine } from './chunks.ts';
import { escapedKey, keysOf, type Prediction } from './prediction.ts';
import { type Label, resultKey } from './read-label.ts';
import type { Answered } from './tally.ts';

/** A label, the chunk's hour that it is in, and what it was found to be of. */
export interface KnownLabel {
  readonly name: string;
  /** As a prediction's line has it. */
  readonly key: string;
  label: unknown;
  atMs: number;
  hourMs: number;
  found: { readonly of: Answered; readonly prediction: unknown } | undefined;
}

/** Labels in memory, by what they are labels of. */
export class KnownLabels {
  readonly #byName = new Map<string, KnownLabel>();
  /** How many labels go by a key. */
  readonly #keys = new Map<string, number>();

  get size(): number {
    return this.#byName.size;
  }

  values(): Iterable<KnownLabel> {
    return this.#byName.values();
  }

  /** The last by enqueued time counts. @returns the key, where a prediction must be looked for; undefined: it corrects one that is known */
  add({ key: of, row, model, label, atMs }: Label, hourMs: number): string | undefined {
    const name = nameOf(of, row, model);
    const before = this.#byName.get(name);
    if (before !== undefined) {
      if (before.atMs <= atMs) Object.assign(before, { label, atMs, hourMs });
      return undefined;
    }
    const key = escapedKey(of);
    this.#byName.set(name, { name, key, label, atMs, hourMs, found: undefined });
    this.#keys.set(key, (this.#keys.get(key) ?? 0) + 1);
    return key;
  }

  delete({ name, key }: KnownLabel): void {
    this.#byName.delete(name);
    const left = (this.#keys.get(key) ?? 1) - 1;
    if (left > 0) this.#keys.set(key, left);
    else this.#keys.delete(key);
  }

  /** Reads what has a label from a chunk of predictions. @param work told every line's keys */
  async match(
    blobs: Blobs,
    chunk: BlobEntry,
    signal: AbortSignal,
    work?: (keys: readonly [string, string], line: string) => void,
  ): Promise<void> {
    const look = (line: string) => {
      const keys = keysOf(line);
      if (keys === undefined) return;
      work?.(keys, line);
      if (this.#keys.has(keys[0]) || this.#keys.has(keys[1])) this.#found(JSON.parse(line) as Prediction);
    };
    await eachLine(blobs, chunk, look, signal);
  }

  /** Of several results of a request the newest is meant. */
  #found({ request, resultId, rows, prediction: only, ...of }: Prediction): void {
    for (const [row, prediction] of rows ?? [[undefined, only] as const])
      for (const key of [resultKey(resultId), request])
        for (const model of [undefined, of.model]) {
          const known = this.#byName.get(nameOf(key, row, model));
          if (known !== undefined && (known.found === undefined || known.found.of.atMs <= of.atMs))
            known.found = { of, prediction };
        }
  }
}

const nameOf = (key: string, row: string | undefined, model: string | undefined) =>
  `${key}\n${row ?? ''}\n${model ?? ''}`;
