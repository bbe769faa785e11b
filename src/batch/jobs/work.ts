import { BlobGone } from '../../core/blobs.ts';
import { asError } from '../../core/errors.ts';
import { BatchRefusal } from '../problems.ts';
import { failJob } from './control.ts';
import { type FinishRoom, finishIfDone } from './finish.ts';
import { type ChunkMessage, type Job, messageSchema } from './job.ts';
import { NoJob, readJob } from './job-store.ts';
import { type ChunkRecord, hasRecord, noteAttempt, writeRecord } from './records.ts';

/** What scores chunks, elsewhere than where the stream is scored. */
export interface ChunkScorer {
  /**
   * Scores a chunk and stages its output.
   * @throws BlobGone where the input is no longer what it was; BatchRefusal where no try could ever score it; any other error where another try may
   */
  score(job: Job, message: ChunkMessage, signal: AbortSignal): Promise<ChunkRecord>;
}

export interface WorkRoom extends FinishRoom {
  readonly scorer: ChunkScorer;
  /** The instance is about to end: what is not begun is left to others. */
  readonly stopping: () => boolean;
}

const TRIES = 3;
const LONGEST_RETRY_SECONDS = 3600;
/** Whoever does one of so many last chunks looks whether the job is done. */
const LAST = 32;

/** What one message asks: a chunk is scored, its record written, the next one sent, and at the end of all the job is finished. Returns once the message may go. */
export async function workOn(room: WorkRoom, body: unknown, signal: AbortSignal): Promise<void> {
  const parsed = messageSchema.safeParse(body);
  if (!parsed.success) {
    room.log.error('a message in the queue of chunks names no chunk of a job: it is dropped');
    return;
  }
  const message = parsed.data;
  if (room.stopping()) return room.queue.send(message, signal);
  const job = await findJob(room, message, signal);
  if (!job) return;
  if (job.state !== 'running' && job.state !== 'queued') {
    // The one who finished may have died over it.
    if (isNearEnd(job, message)) await finishIfDone(room, job.id, signal);
    return;
  }
  const { chunk, generation } = message;
  if (await hasRecord(room.blobs, job, chunk, generation, signal)) {
    // It came again: who had it first may have died before the next one was sent.
    const next = nextOf(room, job, message);
    const done = !next || (await hasRecord(room.blobs, job, next.chunk, next.generation, signal));
    if (!done) await room.queue.send(next, signal);
  } else {
    if (!(await scoreChunk(room, job, message, signal))) return;
    const next = nextOf(room, job, message);
    if (next) await room.queue.send(next, signal);
  }
  if (isNearEnd(job, message)) await finishIfDone(room, job.id, signal);
}

/** A message that came too often for the host: its chunk has crashed whoever took it. */
export async function failPoisoned(room: FinishRoom, body: unknown, signal: AbortSignal): Promise<void> {
  const parsed = messageSchema.safeParse(body);
  if (!parsed.success) return room.log.error('a poison message names no chunk of a job: it is dropped');
  const { chunk, generation } = parsed.data;
  const job = await findJob(room, parsed.data, signal);
  if (job?.state !== 'running') return;
  if (await hasRecord(room.blobs, job, chunk, generation, signal)) return;
  room.events.chunk(job, 'poison', 0);
  const error = {
    message: `chunk ${chunk} was given up: whoever took it ended, time after time (its message is poison)`,
    chunks: [chunk],
  };
  await failJob(room, job.id, error, signal);
}

async function findJob(room: FinishRoom, { job: id }: ChunkMessage, signal: AbortSignal): Promise<Job | undefined> {
  try {
    return (await readJob(room.blobs, id, signal)).job;
  } catch (thrown) {
    if (!(thrown instanceof NoJob)) throw thrown;
    room.log.warn(`a message for a job that is not there: ${thrown.message}`);
    return undefined;
  }
}

/** @returns whether it has a record now */
async function scoreChunk(room: WorkRoom, job: Job, message: ChunkMessage, signal: AbortSignal): Promise<boolean> {
  const startMs = room.clock();
  const seconds = () => (room.clock() - startMs) / 1000;
  try {
    const record = await room.scorer.score(job, message, signal);
    await writeRecord(room.blobs, job, record, signal);
    room.events.chunk(job, 'scored', seconds());
    return true;
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asError(thrown);
    room.events.chunk(job, 'failed', seconds());
    if (error instanceof BlobGone || error instanceof BatchRefusal) {
      const changed = error instanceof BlobGone ? 'the input was changed or deleted while the job ran: ' : '';
      await failJob(room, job.id, { message: `${changed}${error.message}`, chunks: [message.chunk] }, signal);
      return false;
    }
    await tryLater(room, job, message, error.message, signal);
    return false;
  }
}

/** The host would bring it at once, five times within a second: so it goes back into the queue from here, with a delay. */
async function tryLater(
  room: WorkRoom,
  job: Job,
  message: ChunkMessage,
  reason: string,
  signal: AbortSignal,
): Promise<void> {
  const { chunk } = message;
  const tries = await noteAttempt(room.blobs, job, chunk, reason, room.clock(), signal);
  if (tries >= TRIES) {
    const error = { message: `chunk ${chunk} failed ${tries} times, at last: ${reason}`, chunks: [chunk] };
    return failJob(room, job.id, error, signal);
  }
  const delaySeconds = Math.min(room.retrySeconds * 2 ** (tries - 1), LONGEST_RETRY_SECONDS);
  room.log.warn(`job ${job.id}: chunk ${chunk} failed and is tried again in ${delaySeconds} s: ${reason}`);
  await room.queue.send(message, signal, delaySeconds);
}

/** As many further on as may lie in the queue. */
function nextOf(room: WorkRoom, job: Job, { chunk, generation }: ChunkMessage): ChunkMessage | undefined {
  if (generation === 0) {
    const next = chunk + room.inFlight;
    return next < job.chunks ? { job: job.id, chunk: next, generation: 0 } : undefined;
  }
  const own = job.repairs.findIndex(repair => repair.chunk === chunk && repair.generation === generation);
  const next = own < 0 ? undefined : job.repairs[own + room.inFlight];
  return next && { job: job.id, ...next };
}

const isNearEnd = (job: Job, { chunk, generation }: ChunkMessage) =>
  generation > 0 || job.attempt > 1 || chunk >= job.chunks - LAST;
