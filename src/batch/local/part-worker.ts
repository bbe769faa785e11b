import { type FileHandle, open } from 'node:fs/promises';
import type { Decoder } from '../../core/codec.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import type { BatchOptions, Range, RangeResult } from '../range.ts';
import { type BatchTable, openTable, type TableForm } from '../table.ts';
import { Memory } from './memory.ts';

/** A file to score. Plain data. */
export interface FileToScore {
  readonly path: string;
  /** What messages call it. */
  readonly title: string;
  readonly form: TableForm;
  readonly options: BatchOptions;
  readonly chunkBytes: number;
}

/** A range of a file that was opened. */
export interface Part extends Range {
  /** As `open` was told. */
  readonly table: number;
}

/** What can be asked of whoever scores parts; plain data, for it may be another process. */
export type PartRequest =
  | { readonly kind: 'open'; readonly table: number; readonly file: FileToScore }
  | { readonly kind: 'count'; readonly part: Part }
  | { readonly kind: 'score'; readonly part: Part; readonly key: number }
  | { readonly kind: 'write'; readonly key: number; readonly path: string; readonly position: number };

export interface OpenedFile {
  readonly header: string;
  /** Places at which it is cut, its beginning and its end included. */
  readonly bounds: readonly number[];
}

export type Counted = Pick<RangeResult, 'start' | 'end' | 'rows'>;

/** What became of a part; its output is kept by who scored it. */
export type PartScored = Omit<RangeResult, 'output'> & { readonly bytes: number };

/** Scores parts of files, one request after the other. */
export interface PartWorker {
  open(table: number, file: FileToScore): Promise<OpenedFile>;
  count(part: Part): Promise<Counted>;
  /** Keeps the output under the key. */
  score(part: Part, key: number): Promise<PartScored>;
  /** Puts what was scored under the key into a file that is there, and forgets it. */
  write(key: number, path: string, position: number): Promise<void>;
  close(): Promise<void>;
}

/** In this process. */
export function createPartWorker(scorer: TableScorer, decoder: Decoder, signal: AbortSignal): PartWorker {
  const tables = new Map<number, { readonly table: BatchTable; readonly file: FileHandle }>();
  const outputs = new Map<number, Buffer>();
  const memory = new Memory();
  /** What the part in hand was read into; not kept where others are in hand as well. */
  let read: Buffer[] = [];
  const inLine = scorer.version.backend.info.placement === 'in-line';
  let last: Promise<unknown> = Promise.resolve();

  /** A model that runs on this thread gains nothing by parts side by side. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (!inLine) return work();
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  }
  async function readInto(file: FileHandle, offset: number, length: number): Promise<Buffer> {
    const bytes = (inLine ? memory.lend(length) : undefined) ?? Buffer.allocUnsafeSlow(length);
    if (inLine) read.push(bytes);
    return readAt(file, offset, bytes.subarray(0, length));
  }

  const tableOf = (number: number) => (tables.get(number) as { table: BatchTable }).table;

  function giveBack(): void {
    for (const bytes of read) memory.giveBack(bytes);
    read = [];
  }

  return {
    async open(number, { path, form, options, chunkBytes }) {
      const file = await open(path, 'r');
      try {
        const { size } = await file.stat();
        const source = { size, read: (offset: number, length: number) => readInto(file, offset, length) };
        const table = await openTable(source, form, scorer, options, decoder);
        tables.set(number, { table, file });
        const bounds = [table.from, ...table.cuts(chunkBytes), table.to];
        return { header: table.header.toString(), bounds };
      } catch (thrown) {
        await file.close();
        throw thrown;
      }
    },
    count: part =>
      inTurn(async () => {
        const counted = await tableOf(part.table).count(part);
        giveBack();
        return counted;
      }),
    score: (part, key) =>
      inTurn(async () => {
        const { output, ...scored } = await tableOf(part.table).score({ ...part, into: memory.lend(0) }, signal);
        giveBack();
        outputs.set(key, output);
        return { ...scored, bytes: output.length };
      }),
    async write(key, path, position) {
      const output = outputs.get(key) as Buffer;
      outputs.delete(key);
      if (output.length === 0) return;
      const file = await open(path, 'r+');
      try {
        for (let done = 0; done < output.length; ) {
          const { bytesWritten } = await file.write(output, done, output.length - done, position + done);
          done += bytesWritten;
        }
        memory.giveBack(output);
      } finally {
        await file.close();
      }
    },
    async close() {
      await Promise.all([...tables.values()].map(({ file }) => file.close()));
      tables.clear();
    },
  };
}

/** Fewer bytes where the file ends before. */
async function readAt(file: FileHandle, offset: number, bytes: Buffer): Promise<Buffer> {
  let read = 0;
  while (read < bytes.length) {
    const { bytesRead } = await file.read(bytes, read, bytes.length - read, offset + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}
