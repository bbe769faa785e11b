import type { BlobEntry, Blobs } from '../../core/blobs.ts';
import { eachLine } from './chunks.ts';
import { escapedKey, keysOf, type Prediction } from './prediction.ts';
import { type Label, resultKey } from './read-label.ts';

/** A label, the chunk's hour that it is in, and what it was found to be of. */
export interface KnownLabel {
  label: Label;
  hourMs: number;
  found: { readonly of: Prediction; readonly prediction: unknown } | undefined;
}

/** Labels in memory, by what they are labels of. */
export class KnownLabels {
  readonly #byName = new Map<string, KnownLabel>();
  /** By key as a prediction's line has it: how many labels go by it. */
  readonly #keys = new Map<string, number>();

  get size(): number {
    return this.#byName.size;
  }

  values(): Iterable<KnownLabel> {
    return this.#byName.values();
  }

  /** The last by enqueued time counts. @returns the key, where a prediction must be looked for; undefined: it corrects one whose prediction is known */
  add(label: Label, hourMs: number): string | undefined {
    const name = nameOf(label.key, label.row, label.model);
    const before = this.#byName.get(name);
    if (before !== undefined) {
      if (before.label.atMs <= label.atMs) {
        before.label = label;
        before.hourMs = hourMs;
      }
      return undefined;
    }
    const key = escapedKey(label.key);
    this.#byName.set(name, { label, hourMs, found: undefined });
    this.#keys.set(key, (this.#keys.get(key) ?? 0) + 1);
    return key;
  }

  delete({ label }: KnownLabel): void {
    this.#byName.delete(nameOf(label.key, label.row, label.model));
    const key = escapedKey(label.key);
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
  #found(of: Prediction): void {
    const rows = of.rows ?? [[undefined, of.prediction] as const];
    for (const [row, prediction] of rows)
      for (const key of [resultKey(of.resultId), of.request])
        for (const model of [undefined, of.model]) {
          const known = this.#byName.get(nameOf(key, row, model));
          if (known !== undefined && (known.found === undefined || known.found.of.atMs <= of.atMs))
            known.found = { of: { ...of, rows: undefined }, prediction };
        }
  }
}

const nameOf = (key: string, row: string | undefined, model: string | undefined) =>
  `${key}\n${row ?? ''}\n${model ?? ''}`;
