import { setImmediate as nextTick } from 'node:timers/promises';
import type { BlobEntry, Blobs } from '../../core/blobs.ts';
import type { Clock } from '../../core/log.ts';
import { someAtOnce } from '../../core/some-at-once.ts';
import { eachLine, HOUR_MS, hourOf, tidy } from './chunks.ts';
import { hashOf, KeyIndex } from './key-index.ts';
import { KnownLabels } from './known-labels.ts';
import type { Label } from './read-label.ts';
import { AnswersByHour, type HourKey, type Joined, type ProductionHour, Tally } from './tally.ts';

export interface JoinReport {
  /** Those that were settled before, and those that may still be corrected. */
  readonly joined: Joined;
  /** Production's answers, by the hour, as far as labels of late are of them. */
  readonly production: readonly ProductionHour[];
  /** Labels whose request was not found so far. */
  readonly waiting: number;
  /** Labels that nothing was found for as long as they were waited for. */
  readonly unmatched: number;
  /** What labels say that were waited for long enough: counted for good. */
  readonly settled: Joined;
  /** Their chunks, and those of old predictions: to be taken away once this is kept. */
  readonly over: readonly BlobEntry[];
}

export interface JoinOptions {
  /** Counted for good before. */
  readonly settled: Joined;
  readonly unmatched: number;
  /** No chunk is begun after that time, milliseconds since the epoch: what was read is remembered. */
  readonly untilMs: number;
}

export interface LabelJoinerOptions {
  readonly blobs: Blobs;
  /** How long a label waits for its request, and how late it may come. */
  readonly windowMs: number;
  readonly clock: Clock;
  /** In memory; where they are more, the oldest count for good before their window is over. */
  readonly labelsAtOnce?: number;
}

/** Some 300 bytes each. */
const LABELS_AT_ONCE = 300_000;
/** Hashes of keys kept, four bytes each; a chunk without its own is read for every new label. */
const MAX_HASHES = 16_000_000;
const READS_AT_ONCE = 4;
const ASKED_AT_ONCE = 8;
/** Of more new labels than that one will be there: asking for each takes longer than it spares. */
const MANY_FRESH = 5_000;

interface Indexed {
  readonly etag: string;
  readonly index: KeyIndex | undefined;
  readonly answers: ReadonlyMap<HourKey, number>;
  /** Of the new labels' hashes, so many were looked for in it. */
  lookedFor: number;
}

/**
 * Holds labels against predictions. It comes to the same as joining all of both anew, so that a process that never did it before, or is killed, makes no difference; what one has
 * read it remembers: of what came since, new labels are looked for in the chunks that have their keys, and all labels in new chunks.
 */
export class LabelJoiner {
  readonly #options: LabelJoinerOptions;
  readonly #labelsAtOnce: number;
  readonly #labels = new KnownLabels();
  /** By path, of those in memory. */
  #labelChunks = new Map<string, string>();
  #predictionChunks = new Map<string, Indexed>();
  /** Hashes of labels that some chunk was not asked for yet. */
  #fresh: number[] = [];
  #hashes = 0;

  constructor(options: LabelJoinerOptions) {
    this.#options = options;
    this.#labelsAtOnce = options.labelsAtOnce ?? LABELS_AT_ONCE;
  }

  /** @returns undefined where there was no time for all: what is left is done the next time */
  async join(
    { settled: before, unmatched, untilMs }: JoinOptions,
    signal: AbortSignal,
  ): Promise<JoinReport | undefined> {
    const { blobs, windowMs, clock } = this.#options;
    const nowMs = clock();
    const labelChunks = await tidy(blobs, 'labels', nowMs, signal);
    const predictionChunks = await tidy(blobs, 'predictions', nowMs, signal);
    const areAllRead = await this.#readLabels(labelChunks, signal);
    const isDone = this.#labelChunks.size === 0 || (await this.#lookAt(predictionChunks, untilMs, signal));
    if (!isDone) return undefined;
    const waitedMs = (hourMs: number) => nowMs - hourMs - HOUR_MS - windowMs;
    const earlyMs = areAllRead ? Number.NEGATIVE_INFINITY : this.#middleHour();
    const isOver = (hourMs: number) => waitedMs(hourMs) > 0 || hourMs <= earlyMs;
    const [settled, open] = [new Tally(before), new Tally(before)];
    const counts = { waiting: 0, unmatched };
    for (const { found, label, hourMs } of this.#labels.values()) {
      const isLast = isOver(hourMs);
      if (found === undefined) counts[isLast ? 'unmatched' : 'waiting']++;
      else for (const tally of isLast ? [open, settled] : [open]) tally.count(found.of, found.prediction, label);
    }
    for (const { answers } of this.#predictionChunks.values())
      for (const [key, many] of answers) open.answered(key, many);
    const over = [
      ...labelChunks.filter(({ path }) => this.#labelChunks.has(path) && isOver(hourOf(path))),
      // A label that came at the end of the window may still be corrected until the end of its own.
      ...predictionChunks.filter(({ path }) => waitedMs(hourOf(path)) > windowMs),
    ];
    return { joined: open.joined, production: open.hours, ...counts, settled: settled.joined, over };
  }

  /** The oldest first. @returns whether there was room for all */
  async #readLabels(chunks: readonly BlobEntry[], signal: AbortSignal): Promise<boolean> {
    // What was settled is counted already, by whomever, and its chunks are gone.
    const hours = new Set(chunks.map(({ path }) => hourOf(path)));
    for (const known of [...this.#labels.values()]) if (!hours.has(known.hourMs)) this.#labels.delete(known);
    const read = this.#labelChunks;
    this.#labelChunks = new Map();
    for (const chunk of chunks) {
      const isNew = read.get(chunk.path) !== chunk.etag;
      if (isNew && this.#labels.size >= this.#labelsAtOnce) return false;
      const take = (line: string) => {
        const key = this.#labels.add(JSON.parse(line) as Label, hourOf(chunk.path));
        if (key !== undefined) this.#fresh.push(hashOf(key));
      };
      if (isNew) await eachLine(this.#options.blobs, chunk, take, signal);
      this.#labelChunks.set(chunk.path, chunk.etag);
    }
    return true;
  }

  /** Reads new chunks whole, and old ones that may have a new label's request. @returns whether it came to all of them */
  async #lookAt(chunks: readonly BlobEntry[], untilMs: number, signal: AbortSignal): Promise<boolean> {
    const before = this.#predictionChunks;
    this.#predictionChunks = new Map();
    this.#hashes = 0;
    for (const { path, etag } of chunks) {
      const known = before.get(path);
      if (known?.etag !== etag) continue;
      this.#predictionChunks.set(path, known);
      this.#hashes += known.index?.size ?? 0;
    }
    const { blobs, clock } = this.#options;
    let left = 0;
    let asked = 0;
    await someAtOnce(chunks, READS_AT_ONCE, async chunk => {
      if (++asked % ASKED_AT_ONCE === 0) await nextTick(undefined, { signal }); // else whatever this process does waits
      const known = this.#predictionChunks.get(chunk.path);
      if (known !== undefined && !this.#mayHaveNew(known)) return;
      if (clock() >= untilMs) left++;
      else if (known === undefined) await this.#index(chunk, signal);
      else {
        const lookedFor = this.#fresh.length;
        await this.#labels.match(blobs, chunk, signal);
        known.lookedFor = lookedFor;
      }
    });
    if (left > 0) return false;
    this.#fresh = [];
    for (const known of this.#predictionChunks.values()) known.lookedFor = 0;
    return true;
  }

  #mayHaveNew(known: Indexed): boolean {
    const { index, lookedFor } = known;
    if (this.#fresh.length - lookedFor > MANY_FRESH) return true;
    for (let i = lookedFor; i < this.#fresh.length; i++)
      if (index === undefined || index.mayHave(this.#fresh[i] as number)) return true;
    known.lookedFor = this.#fresh.length;
    return false;
  }

  async #index(chunk: BlobEntry, signal: AbortSignal): Promise<void> {
    const hashes: number[] = [];
    const answers = new AnswersByHour();
    const lookedFor = this.#fresh.length;
    const note = (keys: readonly [string, string], line: string) => {
      hashes.push(hashOf(keys[0]), hashOf(keys[1]));
      answers.note(line, keys[0].length + keys[1].length);
    };
    await this.#labels.match(this.#options.blobs, chunk, signal, note);
    const index = this.#hashes + hashes.length > MAX_HASHES ? undefined : new KeyIndex(hashes);
    this.#hashes += index?.size ?? 0;
    this.#predictionChunks.set(chunk.path, { etag: chunk.etag, index, answers: answers.counts, lookedFor });
  }

  /** Of the hours that labels in memory are of, the last of the older half. */
  #middleHour(): number {
    const hours = [...new Set([...this.#labels.values()].map(({ hourMs }) => hourMs))].sort(
      (one, other) => one - other,
    );
    return hours[(hours.length - 1) >> 1] ?? Number.NEGATIVE_INFINITY;
  }
}
