import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allSettled } from '../../core/all-settled.ts';
import { abortable } from '../../core/waiting.ts';
import { BatchRefusal, naming } from '../problems.ts';
import type { Reject } from '../range.ts';
import { REJECTS_HEADER, rejectLines } from '../rejects.ts';
import { mergeStatistics, NO_STATISTICS, type Statistics } from '../statistics.ts';
import { judge, judgeFirst, SHOWN_REJECTS } from '../verdict.ts';
import type { FileToScore, OpenedFile, Part, PartScored, PartWorker } from './part-worker.ts';

export interface ScoreFilesOptions {
  readonly files: readonly FileToScore[];
  /** Nobody else uses them; each does one thing after the other. */
  readonly workers: readonly PartWorker[];
  /** Written anew, of Parquet a folder; whole once this has resolved. */
  readonly output: string;
  /** Written anew, where somebody wants it. */
  readonly rejects: string | undefined;
  readonly maxRejected: number;
  /** Rows are numbered in the output, so their numbers have to be known before. */
  readonly numbered: boolean;
  readonly signal: AbortSignal;
  onProgress(progress: Progress): void;
}

export interface Progress {
  readonly rows: number;
  /** 0–1 */
  readonly done: number;
}

export interface ScoredFiles {
  readonly statistics: Statistics;
  /** The first ones. */
  readonly rejects: readonly Reject[];
  readonly bytes: number;
}

/** Parts that a worker has at once: one that it works at, and one that lies ready. */
const LANES = 2;
/** Parts scored ahead of the first that is not, for each worker: their outputs are in memory. */
const AHEAD = 4;

/**
 * Scores files into one, in order, a part a worker at a time.
 * @throws BatchRefusal where the whole must not be seen; the signal's reason
 */
export async function scoreFiles(options: ScoreFilesOptions): Promise<ScoredFiles> {
  const { files, workers, output, rejects, maxRejected } = options;
  const [first, ...others] = workers as [PartWorker, ...PartWorker[]];
  // Others may still be starting: they join once they are there.
  const crew = [{ worker: first, ready: Promise.resolve() }, ...others.map(worker => joining(worker, files))];
  const opened = await openAll(first, files);
  const run = new Run(options, crew, partsOf(opened));
  const header = Buffer.from((opened[0] as OpenedFile).header);
  if (isFolder(options)) await mkdir(output);
  else await writeFile(output, header);
  if (rejects !== undefined) await writeFile(rejects, REJECTS_HEADER);
  if (options.numbered) await run.count();
  await run.score(header.length);
  judge(run.statistics, run.rows, maxRejected, run.rejects);
  if (isFolder(options)) await writeFile(join(output, '_SUCCESS'), run.manifest);
  return { statistics: run.statistics, rejects: run.rejects, bytes: run.position };
}

/** Of Parquet each part is a file in a folder. */
function isFolder({ files }: ScoreFilesOptions): boolean {
  return files[0]?.options.format === 'parquet';
}

async function openAll(worker: PartWorker, files: readonly FileToScore[]): Promise<OpenedFile[]> {
  const opened: OpenedFile[] = [];
  for (const [table, file] of files.entries()) {
    const found = await openOne(worker, table, file);
    const [before] = opened;
    if (before !== undefined && before.header !== found.header)
      throw new BatchRefusal(
        `${file.title} would give the columns ${found.header.trim()}, ${files[0]?.title} gives ${before.header.trim()}; score them one by one`,
      );
    opened.push(found);
  }
  return opened;
}

async function openOne(worker: PartWorker, table: number, file: FileToScore): Promise<OpenedFile> {
  try {
    return await worker.open(table, file);
  } catch (thrown) {
    throw naming(file.title, thrown);
  }
}

/** A worker, and when it can take parts. */
interface Hand {
  readonly worker: PartWorker;
  readonly ready: Promise<unknown>;
}

function joining(worker: PartWorker, files: readonly FileToScore[]): Hand {
  const ready = Promise.all(files.map((file, table) => openOne(worker, table, file)));
  ready.catch(() => {}); // met by its lanes, where there is still something to do
  return { worker, ready };
}

/** Those of a file hang together. */
interface PlannedPart extends Part {
  readonly first: boolean;
  readonly last: boolean;
  readonly start?: number | undefined;
  readonly firstRow?: number | undefined;
}

function partsOf(opened: readonly OpenedFile[]): PlannedPart[] {
  return opened.flatMap(({ bounds }, table) =>
    bounds.slice(1).map((to, i) => ({
      table,
      from: bounds[i] as number,
      to,
      first: i === 0,
      last: i === bounds.length - 2,
    })),
  );
}

class Run {
  statistics: Statistics = NO_STATISTICS;
  rejects: Reject[] = [];
  rows = 0;
  position = 0;
  readonly #options: ScoreFilesOptions;
  readonly #crew: readonly Hand[];
  readonly #parts: PlannedPart[];
  readonly #total: number;
  #place = 0;
  readonly #written: { readonly name: string; readonly bytes: number; readonly rows: number }[] = [];

  constructor(options: ScoreFilesOptions, crew: readonly Hand[], parts: PlannedPart[]) {
    this.#options = options;
    this.#crew = crew;
    this.#parts = parts;
    this.#total = parts.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  /** Finds where each part begins, and the number of its first row. */
  async count(): Promise<void> {
    let row = 1;
    await this.#inOrder(
      (worker, part) => worker.count(part),
      async (worker, at, found, end) => {
        const part = this.#parts[at] as PlannedPart;
        const counted = found.start === end ? found : await worker.count({ ...part, start: end });
        this.#parts[at] = { ...part, start: end, firstRow: row };
        row += counted.rows;
        return counted.end;
      },
    );
  }

  async score(position: number): Promise<void> {
    const { numbered } = this.#options;
    const writes: Promise<void>[] = [];
    this.position = position;
    await this.#inOrder(
      (worker, part, at) => worker.score(part, at),
      async (worker, at, found, end) => {
        const part = this.#parts[at] as PlannedPart;
        const scored = found.start === end ? found : await worker.score({ ...part, start: end }, at);
        const write = this.#write(worker, at, scored);
        write.catch(() => {}); // met below
        writes.push(write);
        this.position += scored.bytes;
        await this.#add(scored, numbered ? 0 : this.rows, part);
        return scored.end;
      },
    );
    await allSettled(writes, write => write);
  }

  async #write(worker: PartWorker, at: number, { bytes, statistics }: PartScored): Promise<void> {
    const { output } = this.#options;
    if (!isFolder(this.#options)) return worker.write(at, output, this.position);
    if (bytes === 0) return worker.write(at, output, 0);
    const name = `part-${String(this.#written.length).padStart(6, '0')}.parquet`;
    this.#written.push({ name, bytes, rows: statistics.rows.scored });
    await writeFile(join(output, name), '');
    await worker.write(at, join(output, name), 0);
  }

  /** Of the parts, for who reads them. */
  get manifest(): string {
    return `${JSON.stringify({ parts: this.#written, rows: this.statistics.rows.scored })}\n`;
  }

  async #add(scored: PartScored, rowsBefore: number, { from, to }: PlannedPart): Promise<void> {
    const { rejects, onProgress } = this.#options;
    const numbered =
      rowsBefore === 0 ? scored.rejects : scored.rejects.map(reject => ({ ...reject, row: reject.row + rowsBefore }));
    if (rejects !== undefined && numbered.length > 0) await appendFile(rejects, rejectLines(numbered));
    this.rejects = [...this.rejects, ...numbered].slice(0, SHOWN_REJECTS);
    this.rows += scored.rows;
    this.statistics = mergeStatistics(this.statistics, scored.statistics);
    judgeFirst(this.statistics, this.rejects);
    this.#place += to - from;
    onProgress({ rows: this.rows, done: this.#total === 0 ? 1 : this.#place / this.#total });
  }

  /**
   * Does something with every part, wherever a worker is free, and settles each in its turn.
   * @param settle is told where the part before ended; says where this one does
   */
  async #inOrder<T>(
    work: (worker: PartWorker, part: Part, at: number) => Promise<T>,
    settle: (worker: PartWorker, at: number, found: T, end: number) => Promise<number>,
  ): Promise<void> {
    const { signal, files } = this.#options;
    const parts = this.#parts;
    const over = new AbortController();
    const done = new Map<number, { readonly worker: PartWorker; readonly found: T }>();
    const waiting: (() => void)[] = [];
    let [next, settled, end, settling, failed] = [0, 0, 0, false, false];
    const settleReady = async () => {
      if (settling) return;
      settling = true;
      for (let ready = done.get(settled); ready !== undefined && !failed; ready = done.get(settled)) {
        const part = parts[settled] as PlannedPart;
        const begin = part.first ? part.from : end;
        end = await settle(ready.worker, settled, ready.found, begin);
        if (part.last && end !== part.to)
          throw new BatchRefusal(
            `${files[part.table]?.title}: rows were read up to ${end}, it has ${part.to}; it changed meanwhile`,
          );
        done.delete(settled++);
        for (const go of waiting.splice(0)) go();
      }
      if (settled === parts.length) over.abort();
      settling = false;
    };
    const lane = async (worker: PartWorker) => {
      while (next < parts.length && !failed) {
        signal.throwIfAborted();
        if (next >= settled + AHEAD * this.#crew.length) {
          await new Promise<void>(go => waiting.push(go));
          continue;
        }
        const at = next++;
        done.set(at, { worker, found: await work(worker, parts[at] as Part, at) });
        await settleReady();
      }
    };
    if (parts.length === 0) return;
    const lanes = Array.from({ length: LANES }, () => this.#crew).flat();
    const join = async ({ worker, ready }: Hand) => {
      try {
        await abortable(ready, over.signal);
      } catch (thrown) {
        if (!over.signal.aborted) throw thrown; // else there is nothing left to join in
      }
      await lane(worker);
    };
    await allSettled(lanes, hand =>
      join(hand).catch(thrown => {
        failed = true;
        over.abort();
        for (const go of waiting.splice(0)) go();
        throw thrown;
      }),
    );
  }
}
