import type { BlobEntry, Blobs } from '../../core/blobs.ts';
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
  readonly nowMs: number;
  /** Counted for good before. */
  readonly settled: Joined;
  readonly unmatched: number;
}

const LABELS_AT_ONCE = 200_000;
/** Hashes of keys kept, four bytes each; a chunk without its own is read for every new label. */
const MAX_HASHES = 8_000_000;
const READS_AT_ONCE = 8;

interface Indexed {
  readonly etag: string;
  readonly index: KeyIndex | undefined;
  readonly answers: ReadonlyMap<HourKey, number>;
}

/**
 * Holds labels against predictions. It comes to the same as joining all of both anew, so that a process that never did it before, or is killed, makes no difference; what one has
 * read it remembers: of what came since, new labels are looked for in the chunks that have their keys, and all labels in new chunks.
 */
export class LabelJoiner {
  readonly #blobs: Blobs;
  readonly #windowMs: number;
  readonly #labelsAtOnce: number;
  #labels = new KnownLabels();
  #labelChunks = new Map<string, { readonly etag: string; readonly labels: number }>();
  #predictionChunks = new Map<string, Indexed>();
  #hashes = 0;

  /**
   * @param windowMs how long a label waits for its request, and how late it may come
   * @param labelsAtOnce in memory; more take several passes over all predictions, each with its share of the labels by hash
   */
  constructor(blobs: Blobs, windowMs: number, labelsAtOnce = LABELS_AT_ONCE) {
    this.#blobs = blobs;
    this.#windowMs = windowMs;
    this.#labelsAtOnce = labelsAtOnce;
  }

  async join(options: JoinOptions, signal: AbortSignal): Promise<JoinReport> {
    const { nowMs } = options;
    const labelChunks = await tidy(this.#blobs, 'labels', nowMs, signal);
    const predictionChunks = await tidy(this.#blobs, 'predictions', nowMs, signal);
    const waitedMs = (hourMs: number) => nowMs - hourMs - HOUR_MS - this.#windowMs;
    const gone = [
      ...labelChunks.filter(({ path }) => waitedMs(hourOf(path)) > 0),
      // A label that came at the end of the window may still be corrected until the end of its own.
      ...predictionChunks.filter(({ path }) => waitedMs(hourOf(path)) > this.#windowMs),
    ];
    const settled = new Tally(options.settled);
    const open = new Tally(options.settled);
    let { unmatched } = options;
    let waiting = 0;
    const passes = await this.#follow(labelChunks, predictionChunks, signal);
    for (let pass = 0; pass < passes; pass++) {
      if (passes > 1) await this.#joinShare({ pass, passes }, labelChunks, predictionChunks, signal);
      for (const known of [...this.#labels.values()]) {
        const { found, label, hourMs } = known;
        const isOver = waitedMs(hourMs) > 0;
        if (found !== undefined) open.count(found.of, found.prediction, label.label);
        if (found !== undefined && isOver) settled.count(found.of, found.prediction, label.label);
        if (found === undefined && isOver) unmatched++;
        if (found === undefined && !isOver) waiting++;
        if (isOver) this.#labels.delete(known);
      }
    }
    // Shares of the labels are read anew each time.
    if (passes > 1) this.#labelChunks = new Map();
    for (const { answers } of this.#predictionChunks.values())
      for (const [key, many] of answers) open.answered(key, many);
    const { joined, hours } = open;
    return { joined, production: hours, waiting, unmatched, settled: settled.joined, over: gone };
  }

  /** Takes in what is new. @returns how many passes the labels take; 1: they are all in memory */
  async #follow(
    labelChunks: readonly BlobEntry[],
    predictionChunks: readonly BlobEntry[],
    signal: AbortSignal,
  ): Promise<number> {
    const fresh: number[] = [];
    // Where somebody else settled an hour's labels, they are counted already.
    const hours = new Set(labelChunks.map(({ path }) => hourOf(path)));
    for (const known of [...this.#labels.values()]) if (!hours.has(known.hourMs)) this.#labels.delete(known);
    const read = this.#labelChunks;
    if (read.size === 0) this.#labels = new KnownLabels();
    this.#labelChunks = new Map();
    for (const chunk of labelChunks) {
      const there = read.get(chunk.path);
      if (there?.etag === chunk.etag) {
        this.#labelChunks.set(chunk.path, there);
        continue;
      }
      let labels = 0;
      const take = (line: string) => {
        labels++;
        if (this.#labels.size >= this.#labelsAtOnce) return;
        const key = this.#labels.add(JSON.parse(line) as Label, hourOf(chunk.path));
        if (key !== undefined) fresh.push(hashOf(key));
      };
      await eachLine(this.#blobs, chunk, take, signal);
      this.#labelChunks.set(chunk.path, { etag: chunk.etag, labels });
    }
    if (this.#labelChunks.size === 0) return 1; // nobody sends labels: nothing is read
    const before = this.#predictionChunks;
    const isOld = ({ path, etag }: BlobEntry) => before.get(path)?.etag === etag;
    const [old, others] = [predictionChunks.filter(isOld), predictionChunks.filter(chunk => !isOld(chunk))];
    this.#predictionChunks = new Map(old.map(({ path }) => [path, before.get(path) as Indexed]));
    this.#hashes = [...this.#predictionChunks.values()].reduce((sum, { index }) => sum + (index?.size ?? 0), 0);
    await someAtOnce(others, READS_AT_ONCE, chunk => this.#index(chunk, signal));
    await someAtOnce(old, READS_AT_ONCE, async chunk => {
      const { index } = this.#predictionChunks.get(chunk.path) as Indexed;
      const isMeant = index === undefined ? fresh.length > 0 : fresh.some(hash => index.mayHave(hash));
      if (isMeant) await this.#labels.match(this.#blobs, chunk, signal);
    });
    const many = [...this.#labelChunks.values()].reduce((sum, { labels }) => sum + labels, 0);
    return Math.max(1, Math.ceil(many / this.#labelsAtOnce));
  }

  async #index(chunk: BlobEntry, signal: AbortSignal): Promise<void> {
    const hashes: number[] = [];
    const answers = new AnswersByHour();
    const note = (keys: readonly [string, string], line: string) => {
      hashes.push(hashOf(keys[0]), hashOf(keys[1]));
      answers.note(line, keys[0].length + keys[1].length);
    };
    await this.#labels.match(this.#blobs, chunk, signal, note);
    const index = this.#hashes + hashes.length > MAX_HASHES ? undefined : new KeyIndex(hashes);
    this.#hashes += index?.size ?? 0;
    this.#predictionChunks.set(chunk.path, { etag: chunk.etag, index, answers: answers.counts });
  }

  async #joinShare(
    { pass, passes }: { readonly pass: number; readonly passes: number },
    labelChunks: readonly BlobEntry[],
    predictionChunks: readonly BlobEntry[],
    signal: AbortSignal,
  ): Promise<void> {
    this.#labels = new KnownLabels();
    for (const chunk of labelChunks) {
      const take = (line: string) => {
        const label = JSON.parse(line) as Label;
        if (hashOf(label.key) % passes === pass) this.#labels.add(label, hourOf(chunk.path));
      };
      await eachLine(this.#blobs, chunk, take, signal);
    }
    await someAtOnce(predictionChunks, READS_AT_ONCE, chunk => this.#labels.match(this.#blobs, chunk, signal));
  }
}
