import { randomBytes } from 'node:crypto';
import { BlobGone } from '../../core/blobs.ts';
import { parsePlace } from '../../core/job-storage.ts';
import { outputFormatOf } from '../format.ts';
import { BatchRefusal } from '../problems.ts';
import { markActive } from './active.ts';
import { startJob } from './control.ts';
import { type FoundInput, fillDate, findInputs } from './inputs.ts';
import { JOB_STATES, type Job } from './job.ts';
import { claimOutputs, createJob, readJob } from './job-store.ts';
import { isOneEach, outputsOfFiles } from './outputs.ts';
import type { JobRequest } from './request.ts';
import type { JobRoom } from './room.ts';
import { removeUnpacked, unpackInputs } from './unpack-inputs.ts';

/** What an input is to a model, found before a job begins. */
export interface Inspected {
  readonly model: string;
  /** Exactly one version: `2.1.3+a1b2c3d4`. */
  readonly modelVersion: string;
  readonly format: Job['format'];
  /** Null: rows are numbered. */
  readonly idColumn: string | null;
  /** Names of the model's classes, in its order. */
  readonly classes: readonly string[];
  /** The output's first line; empty where it has none. */
  readonly header: string;
  readonly files: readonly {
    /** Places of its first row and behind its last. */
    readonly from: number;
    readonly to: number;
    readonly chunks: number;
  }[];
}

export interface JobInspector {
  /**
   * Resolves model and version, holds the inputs' headers against the model, and tries the first rows.
   * @throws BatchRefusal that names file, column or row and what was expected; RequestError where there is no such model
   */
  inspect(
    request: JobRequest,
    files: readonly FoundInput[],
    format: Job['output_format'],
    chunkBytes: number,
    signal: AbortSignal,
  ): Promise<Inspected>;
}

export interface SubmitRoom extends JobRoom {
  readonly inspector: JobInspector;
}

/** Whatever the chunks' size: a finisher reads a record of each. */
const MOST_CHUNKS = 10_000;

export interface Submitted {
  readonly job: Job;
  /** False where a job with this id was there already: then it is that one. */
  readonly created: boolean;
}

/** Takes on a job: everything that can be found out beforehand is, then its document is written and its first chunks lie in the queue. @throws BatchRefusal, and then nothing was begun */
export async function submitJob(room: SubmitRoom, asked: JobRequest, signal: AbortSignal): Promise<Submitted> {
  const queuedAt = new Date(room.clock()).toISOString();
  const request = withDate(asked);
  const id =
    request.id ??
    `${request.model}-${queuedAt.slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(2).toString('hex')}`;
  if (request.id !== undefined) {
    const known = await readJob(room.blobs, id, signal).catch(() => undefined);
    if (known) return { job: known.job, created: false };
  }
  checkOutput(room, request);
  const named = await findInputs(room.storage, request.input, signal);
  const outputs = await placeOutputs(room, request, named, signal);
  const found = await unpackInputs(room, id, request.encoding, named, signal);
  const forget = () => removeUnpacked(room.blobs, found, signal);
  const job = await prepare(room, id, request, { found, ...outputs, queuedAt }, signal).catch(async thrown => {
    await forget();
    throw thrown;
  });
  await markActive(room.blobs, id, signal);
  await claimOutputs(room.blobs, job, room.clock(), signal);
  if (!(await createJob(room.blobs, job, signal))) {
    await forget();
    return { job: (await readJob(room.blobs, id, signal)).job, created: false };
  }
  try {
    return { job: await startJob(room, id, signal), created: true };
  } catch (thrown) {
    signal.throwIfAborted();
    // It stands: who tends the jobs sends its messages.
    room.log.warn(
      `job ${id} is queued and starts within a minute: its messages could not be sent (${thrown instanceof Error ? thrown.message : thrown})`,
    );
    return { job, created: true };
  }
}

/** Where outputs are to stand, and what stands there now. @throws BatchRefusal */
async function placeOutputs(room: SubmitRoom, request: JobRequest, found: readonly FoundInput[], signal: AbortSignal) {
  const outputFormat =
    request.format ?? outputFormatOf(request.output) ?? outputFormatOf(found[0]?.path ?? '') ?? 'csv';
  const paths = found.map(({ path }) => path);
  const outputs = isOneEach(request.output) ? outputsOfFiles(request.output, paths) : [request.output];
  const replaces: (string | null)[] = [];
  for (const output of outputs) replaces.push(await whatStandsAt(room, { ...request, output }, outputFormat, signal));
  return { outputFormat, outputs, replaces };
}

/** Holds what was asked against what is there. @throws BatchRefusal */
async function prepare(
  room: SubmitRoom,
  id: string,
  request: JobRequest,
  asked: Omit<Found, 'inspected' | 'chunkBytes'>,
  signal: AbortSignal,
): Promise<Job> {
  const { found, outputFormat } = asked;
  const total = found.reduce((sum, file) => sum + (file.content ?? file).bytes, 0);
  const chunkBytes = Math.max(request.chunk_bytes, Math.ceil(total / (MOST_CHUNKS - found.length)));
  const inspected = await room.inspector.inspect(request, found, outputFormat, chunkBytes, signal);
  return jobOf(room, id, request, { ...asked, inspected, chunkBytes });
}

function withDate(request: JobRequest): JobRequest {
  const { date, input, output, archive } = request;
  return {
    ...request,
    input: fillDate(input, date),
    output: fillDate(output, date).replace(/\/+$/, ''),
    ...(archive !== undefined && { archive: fillDate(archive, date) }),
  };
}

function checkOutput({ modelsContainer, batchContainer }: JobRoom, { output, archive }: JobRequest): void {
  for (const [name, text] of [
    ['output', output],
    ['archive', archive],
  ] as const) {
    if (text === undefined) continue;
    const place = parsePlace(text);
    if (!place) throw new BatchRefusal(`${name} ${text}: a blob is expected, as container/path`);
    if (place.container === modelsContainer) {
      throw new BatchRefusal(
        `${name} ${text} lies in the container with the models, where no job writes: name another container`,
      );
    }
    if (place.container === batchContainer && /^(jobs|active)\//.test(place.path)) {
      throw new BatchRefusal(`${name} ${text} lies among the jobs' own files: name another folder`);
    }
  }
}

/** @returns the ETag of what is to be replaced; null where nothing is there. @throws BatchRefusal where something is, and was not to be */
async function whatStandsAt(
  room: JobRoom,
  { output, overwrite }: JobRequest,
  format: Job['output_format'],
  signal: AbortSignal,
): Promise<string | null> {
  const { container, path } = parsePlace(output)!;
  const blobs = room.storage(container);
  const refuse = (what: string) =>
    new BatchRefusal(
      `output ${output}: ${what} there already; name another output, or allow it to be replaced (--overwrite)`,
    );
  if (format === 'parquet') {
    const there = await blobs.describe(`${path}/`, signal);
    if (there.length > 0 && !overwrite) throw refuse(there.length === 1 ? 'a blob is' : `${there.length} blobs are`);
    return there.length > 0 ? 'folder' : null;
  }
  try {
    const { etag } = await blobs.properties(path, signal);
    if (!overwrite) throw refuse('something is');
    return etag;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return null;
    throw thrown;
  }
}

interface Found {
  readonly found: readonly FoundInput[];
  readonly inspected: Inspected;
  readonly outputFormat: Job['output_format'];
  readonly chunkBytes: number;
  /** One, or one a file; and what stands there. */
  readonly outputs: readonly string[];
  readonly replaces: readonly (string | null)[];
  readonly queuedAt: string;
}

function jobOf(
  room: JobRoom,
  id: string,
  request: JobRequest,
  { found, inspected, outputFormat, chunkBytes, outputs, replaces, queuedAt }: Found,
): Job {
  let chunks = 0;
  const oneEach = isOneEach(request.output);
  const input = found.map((file, i) => {
    const seen = inspected.files[i]!;
    const first = chunks;
    chunks += seen.chunks;
    const own = oneEach ? { output: outputs[i], replaces: replaces[i] ?? null } : {};
    return { ...file, ...seen, first_chunk: first, ...own };
  });
  const [queued, validating] = JOB_STATES;
  const nowMs = room.clock();
  return {
    ...{ id, state: queued, attempt: 1, model: inspected.model, model_version: inspected.modelVersion },
    ...{ input, format: inspected.format, output: request.output, output_format: outputFormat },
    replaces: oneEach ? null : (replaces[0] ?? null),
    ...{ delimiter: request.delimiter ?? null, encoding: request.encoding ?? null },
    ...{ id_column: inspected.idColumn, include_features: request.include_features },
    ...{
      include_probabilities: request.include_probabilities,
      classes: [...inspected.classes],
      header: inspected.header,
    },
    counting: inspected.idColumn === null && chunks > 1,
    quotes: 'uncounted',
    ...{ chunk_bytes: chunkBytes, chunks, max_rejected: request.max_rejected, timestamp: queuedAt },
    fail_on_drift: request.fail_on_drift,
    ...{
      sla_seconds: request.sla_seconds,
      deadline: new Date(Date.parse(queuedAt) + request.sla_seconds * 1000).toISOString(),
    },
    archive: request.archive ?? null,
    archive_tier: request.archive_tier ?? null,
    progress: { chunks: 0, bytes: 0, rows: 0, rejected: 0, rows_per_second: 0, eta: null, sla: 'on_track' },
    repairs: [],
    // It was looked at before it was written down.
    history: [
      { state: validating, at: queuedAt },
      { state: queued, at: new Date(nowMs).toISOString() },
    ],
    error: null,
  };
}
