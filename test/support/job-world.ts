import { createHash } from 'node:crypto';
import { blockId, partName } from '../../src/batch/jobs/commit.ts';
import type { FinishRoom } from '../../src/batch/jobs/finish.ts';
import { type ChunkMessage, type Job, placeOf } from '../../src/batch/jobs/job.ts';
import { readJob } from '../../src/batch/jobs/job-store.ts';
import { readNumbering } from '../../src/batch/jobs/numbering.ts';
import { outputOfChunk } from '../../src/batch/jobs/outputs.ts';
import { createReports } from '../../src/batch/jobs/reports.ts';
import { jobRequestSchema } from '../../src/batch/jobs/request.ts';
import { type SubmitRoom, submitJob } from '../../src/batch/jobs/submit.ts';
import { type WorkRoom, workOn } from '../../src/batch/jobs/work.ts';
import { NO_STATISTICS } from '../../src/batch/statistics.ts';
import { parsePlace } from '../../src/core/job-storage.ts';
import { memoryJobStorage } from './memory-job-storage.ts';

const CHUNK_BYTES = 4096;
const ROW_BYTES = 64;
export const never = new AbortController().signal;

/** Jobs over storage and a queue in memory; an engine that doubles rows of fixed length stands in for the models. */
export function jobWorld(settings: { inFlight?: number; retrySeconds?: number } = {}) {
  let nowMs = Date.parse('2026-11-20T02:00:00Z');
  const clock = () => nowMs;
  const memory = memoryJobStorage(clock);
  const queue: { readonly message: object; readonly dueMs: number }[] = [];
  const told: string[] = [];
  const said: string[] = [];
  const scored: ChunkMessage[] = [];
  const numbers: number[] = [];
  const faults = {
    score: (_: ChunkMessage): void => {},
    start: (_: ChunkMessage): number => 0,
    end: (_: ChunkMessage): number => 0,
  };
  const log = (level: string) => (message: string) => void said.push(`${level}: ${message}`);

  const room: FinishRoom & WorkRoom & SubmitRoom = {
    storage: memory.storage,
    blobs: memory.storage('batch'),
    queue: {
      async send(message, _, delaySeconds = 0) {
        memory.before('send');
        queue.push({ message, dueMs: nowMs + delaySeconds * 1000 });
        memory.after('send');
      },
    },
    inFlight: settings.inFlight ?? 3,
    retrySeconds: settings.retrySeconds ?? 600,
    modelsContainer: 'models',
    batchContainer: 'batch',
    events: {
      ended: ({ id, state }) => void told.push(`${id} ${state}`),
      sla: ({ id, progress }) => void told.push(`${id} ${progress.sla}`),
      chunk: (_, outcome) => void told.push(outcome),
    },
    reports: createReports(),
    stopping: () => false,
    scorer: {
      async score(job, message, signal) {
        const { chunk, generation } = message;
        const { file, place } = placeOf(job, chunk);
        if (job.quotes === 'counting') {
          const start = file.from + place * CHUNK_BYTES;
          const none = { rejected: 0, bytes: 0, block: null, rejects: null, first_rejects: [], statistics: {} };
          return { chunk, generation, start, end: file.to, rows: 0, ...none, seconds: 1, at: '' };
        }
        faults.score(message);
        scored.push(message);
        const bounds = (i: number) => (i >= file.chunks ? file.to : file.from + i * CHUNK_BYTES);
        const numbered = job.id_column === null && !job.counting;
        const numbering = numbered ? await readNumbering(memory.storage('batch'), job.id, chunk, signal) : undefined;
        if (numbering) numbers.push(numbering.row);
        const start = message.start ?? numbering?.start ?? bounds(place) + faults.start(message);
        const end = bounds(place + 1) + faults.end(message);
        const { container, path } = parsePlace(file.path)!;
        const bytes = await memory.storage(container).readRange(path, start, end - start, file.etag, signal);
        const output = Buffer.from(bytes.toString().replace(/./g, two => two + two));
        const sha256 = createHash('sha256').update(output).digest('hex');
        const block = output.length === 0 ? null : blockId(chunk, generation, sha256);
        const out = parsePlace(outputOfChunk(job, chunk))!;
        const blob = job.output_format === 'parquet' ? `${out.path}/${partName(chunk)}` : out.path;
        if (block !== null && !job.counting) await memory.storage(out.container).stage(blob, block, output, signal);
        const rows = Math.floor((end - start) / ROW_BYTES);
        return {
          ...{ chunk, generation, start, end, rows, rejected: 0, bytes: output.length, block, rejects: null },
          ...{ first_rejects: [], seconds: 1, at: new Date(nowMs).toISOString() },
          statistics: { ...NO_STATISTICS, rows: { scored: rows, rejected: 0 } },
        };
      },
    },
    inspector: {
      async inspect({ model, id_column: idColumn = null }, files) {
        const seen = files.map(({ bytes }) => ({
          from: 0,
          to: bytes,
          chunks: Math.max(1, Math.ceil(bytes / CHUNK_BYTES)),
        }));
        return {
          model,
          modelVersion: '1.0.0+abc',
          format: 'csv',
          idColumn,
          classes: [],
          header: 'head\n',
          files: seen,
        };
      },
    },
    clock,
    log: { info: log('info'), warn: log('warn'), error: log('error') },
  };

  return {
    room,
    memory,
    queue,
    told,
    said,
    scored,
    /** Of the first row of each chunk that was scored, where rows are numbered. */
    numbers,
    faults,
    pass(seconds: number) {
      nowMs += seconds * 1000;
    },
    input(path: string, chunks: number): void {
      const rows = (chunks * CHUNK_BYTES) / ROW_BYTES;
      const row = (i: number) => `${String(i).padEnd(ROW_BYTES - 1, '.')}\n`;
      memory.put(path, Array.from({ length: rows }, (_, i) => row(i)).join(''));
    },
    async submit(more: Readonly<Record<string, unknown>> = {}): Promise<Job> {
      const request = {
        id: 'job',
        input: 'lake/in.csv',
        output: 'lake/out.csv',
        model: 'churn',
        id_column: 'id',
        ...more,
      };
      return (await submitJob(room, jobRequestSchema.parse(request), never)).job;
    },
    job: async (id = 'job') => (await readJob(room.blobs, id, never)).job,
    /** Takes a message that is due and works on it; false where there is none. */
    async step(pick: (count: number) => number = () => 0): Promise<boolean> {
      const due = queue.filter(({ dueMs }) => dueMs <= nowMs);
      const taken = due[pick(due.length)];
      if (!taken) return false;
      queue.splice(queue.indexOf(taken), 1);
      try {
        await workOn(room, JSON.parse(JSON.stringify(taken.message)), never);
      } catch (thrown) {
        queue.push(taken); // the host gives it back
        throw thrown;
      }
      return true;
    },
  };
}
