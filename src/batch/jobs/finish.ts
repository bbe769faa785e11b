import { createHash } from 'node:crypto';
import { BlobGone } from '../../core/blobs.ts';
import { asError } from '../../core/errors.ts';
import { parsePlace } from '../../core/job-storage.ts';
import { someAtOnce } from '../../core/some-at-once.ts';
import type { TableDrift } from '../../core/table-scorer.ts';
import { BatchRefusal } from '../problems.ts';
import { mergeStatistics, NO_STATISTICS, type Statistics } from '../statistics.ts';
import { judge, judgeDrift } from '../verdict.ts';
import { markEnded } from './active.ts';
import { brokenLinks, type Repair, startsByQuotes, wrongStarts } from './chain.ts';
import { commitOutput, commitParts } from './commit.ts';
import { failJob, sendFirst } from './control.ts';
import { inState, type Job, type JobState } from './job.ts';
import { changeJob, readJob } from './job-store.ts';
import { writeNumbering } from './numbering.ts';
import { outputsOf } from './outputs.ts';
import { progressOf } from './progress.ts';
import { type ChunkRecord, listRecords, type RecordEntry, readRecords } from './records.ts';
import { firstRejects, writeRejects } from './rejects.ts';
import type { JobRoom } from './room.ts';
import { UNPACKED } from './unpack-inputs.ts';

/** So many broken links are mended one by one; of more, and more than such a share of all, the starts are found by the quotes. */
const FEW = 10;
const MANY_SHARE = 0.05;

/** What a job's end is told with. */
export interface JobReports {
  /** Files of a job's folder by name: `report.json`, `report.txt`, `report.html`. */
  make(job: Job, statistics: readonly unknown[], seconds: number): Promise<Readonly<Record<string, string>>>;
  /** Against the version's profile; undefined where it has none. */
  drift(job: Job, statistics: Statistics): Promise<TableDrift | undefined>;
}

export interface FinishRoom extends JobRoom {
  readonly reports: JobReports;
}

/**
 * Finishes a job whose chunks all have their records: the chain is held against the input, the output appears by one call, the report is written, the output archived, what is no longer needed cleared
 * away. Any number may do so at once, and each step may be done again: whoever dies leaves it to the next.
 * @returns whether the job has come to its end
 */
export async function finishIfDone(room: FinishRoom, id: string, signal: AbortSignal): Promise<boolean> {
  try {
    const { job } = await readJob(room.blobs, id, signal);
    switch (job.state) {
      case 'queued':
      case 'running':
        return await finishRunning(room, job, signal);
      case 'committing':
      case 'reporting':
        return await finishCommitted(room, job, await recordsOf(room, job, signal), signal);
      case 'archiving':
        return await finishArchived(room, job, signal);
      default:
        return job.state === 'succeeded';
    }
  } catch (thrown) {
    if (thrown instanceof BatchRefusal) {
      await failJob(room, id, { message: thrown.message }, signal);
      return true;
    }
    if (!(thrown instanceof BlobGone)) throw thrown;
    // Somebody else finished it meanwhile and cleared away what was being read.
    const { job } = await readJob(room.blobs, id, signal);
    if (job.state === 'succeeded' || job.state === 'archiving') return true;
    throw thrown;
  }
}

async function finishRunning(room: FinishRoom, job: Job, signal: AbortSignal): Promise<boolean> {
  const entries = await listRecords(room.blobs, job, signal);
  if (entries.size < job.chunks || job.repairs.some(repair => isPending(repair, entries))) return false;
  if (job.quotes === 'counting') {
    await beginAnew(room, job, entries, signal);
    return false;
  }
  const broken = brokenLinks(job, entries);
  if (broken.length > 0) {
    if (areMany(job, broken)) await countQuotes(room, job, signal);
    else await repair(room, job, broken, signal);
    return false;
  }
  if (job.counting) {
    await beginScoring(room, job, inOrder(entries), signal);
    return false;
  }
  const records = await readRecords(room.blobs, inOrder(entries), signal);
  if (!(await passes(room, job, records, signal))) return true;
  const progress = progressOf(job, entries, room.clock());
  const { job: committing } = await changeJob(room.blobs, job.id, signal, held =>
    held.state === 'running' || held.state === 'queued'
      ? inState(held, 'committing', room.clock(), { progress, repairs: [] })
      : undefined,
  );
  if (committing.state === 'committing') return finishCommitted(room, committing, records, signal);
  return committing.state !== 'running' && finishIfDone(room, job.id, signal);
}

/** All chunks are counted: now each knows the number of its first row. Of several who find that, the one who writes it down sends the messages. */
async function beginScoring(
  room: FinishRoom,
  job: Job,
  counted: readonly RecordEntry[],
  signal: AbortSignal,
): Promise<void> {
  await writeNumbering(room.blobs, job.id, counted, signal);
  const { job: scoring, changed } = await changeJob(room.blobs, job.id, signal, held =>
    held.counting && (held.state === 'running' || held.state === 'queued')
      ? { ...held, counting: false, repairs: [] }
      : undefined,
  );
  if (changed) await sendFirst(room, scoring, signal);
}

/** A wrong end misleads the next chunk in turn: where many are wrong, mending link by link would go on chunk by chunk. */
const areMany = ({ format, quotes, chunks }: Job, { length }: readonly Repair[]) =>
  format === 'csv' && quotes === 'uncounted' && length > Math.max(FEW, MANY_SHARE * chunks);

/** Of several who find that, the one who writes it down sends the messages. */
async function countQuotes(room: FinishRoom, job: Job, signal: AbortSignal): Promise<void> {
  const { job: counting, changed } = await changeJob(room.blobs, job.id, signal, held =>
    held.quotes === 'uncounted' && (held.state === 'running' || held.state === 'queued')
      ? { ...held, quotes: 'counting', repairs: [] }
      : undefined,
  );
  if (!changed) return;
  room.log.info(`job ${job.id}: many chunks begin inside quotes; the quotes of all are counted`);
  await sendFirst(room, counting, signal);
}

/** All quotes are counted: chunks that began elsewhere than those say are done again. */
async function beginAnew(
  room: FinishRoom,
  job: Job,
  counted: ReadonlyMap<number, RecordEntry>,
  signal: AbortSignal,
): Promise<void> {
  const known = { ...job, quotes: 'counted' as const };
  const repairs = wrongStarts(job, await listRecords(room.blobs, known, signal), startsByQuotes(job, counted));
  const { job: now, changed } = await changeJob(room.blobs, job.id, signal, held =>
    held.quotes === 'counting' && (held.state === 'running' || held.state === 'queued')
      ? { ...held, quotes: 'counted', repairs: [...repairs] }
      : undefined,
  );
  if (changed) await sendRepairs(room, now, signal);
}

const isPending = ({ chunk, generation }: Repair, entries: ReadonlyMap<number, RecordEntry>) =>
  (entries.get(chunk)?.generation ?? -1) < generation;

const inOrder = (entries: ReadonlyMap<number, RecordEntry>) => [...entries.values()].sort((a, b) => a.chunk - b.chunk);

async function recordsOf(room: FinishRoom, job: Job, signal: AbortSignal): Promise<readonly ChunkRecord[]> {
  return readRecords(room.blobs, inOrder(await listRecords(room.blobs, job, signal)), signal);
}

/** Chunks are done again. Of several who find the same, the one who writes it down sends the messages. */
async function repair(room: FinishRoom, job: Job, repairs: readonly Repair[], signal: AbortSignal): Promise<void> {
  const before = JSON.stringify(job.repairs);
  const { changed } = await changeJob(room.blobs, job.id, signal, held => {
    if (!['queued', 'running', 'committing'].includes(held.state)) return undefined;
    if (JSON.stringify(held.repairs) !== before) return undefined;
    const next = { repairs: [...repairs] };
    return held.state === 'running' ? { ...held, ...next } : inState(held, 'running', room.clock(), next);
  });
  if (!changed) return;
  room.log.info(
    `job ${job.id}: ${repairs.length} of ${job.chunks} chunks are done again, from where the one before ended`,
  );
  await sendRepairs(room, { ...job, repairs: [...repairs] }, signal);
}

/** As many as may lie in the queue: whoever has done one sends the one that many further on. */
async function sendRepairs(room: FinishRoom, { id, repairs }: Job, signal: AbortSignal): Promise<void> {
  for (const message of repairs.slice(0, room.inFlight)) await room.queue.send({ job: id, ...message }, signal);
}

/** Whether what was scored may be seen. @returns false where it may not, and the job has failed of it */
async function passes(
  room: FinishRoom,
  job: Job,
  records: readonly ChunkRecord[],
  signal: AbortSignal,
): Promise<boolean> {
  const read = records.reduce((sum, { rows }) => sum + rows, 0);
  const statistics = records.map(each => each.statistics as Statistics).reduce(mergeStatistics, NO_STATISTICS);
  const first = firstRejects(job, records);
  try {
    judge(statistics, read, job.max_rejected, first);
    if (job.fail_on_drift) judgeDrift(await room.reports.drift(job, statistics));
    return true;
  } catch (thrown) {
    if (!(thrown instanceof BatchRefusal)) throw thrown;
    await writeRejects(room.blobs, job, records, signal);
    await failJob(room, job.id, { message: thrown.message, rows: [...first] }, signal);
    return false;
  }
}

async function finishCommitted(
  room: FinishRoom,
  job: Job,
  records: readonly ChunkRecord[],
  signal: AbortSignal,
): Promise<boolean> {
  if (job.state === 'committing') {
    const headerSha = createHash('sha256').update(job.header).digest('hex');
    const lost: Repair[] = [];
    for (const output of outputsOf(job)) {
      const own = records.filter(({ chunk }) => chunk >= output.first && chunk < output.end);
      lost.push(
        ...(job.output_format === 'parquet'
          ? await commitParts(room, job, output, own, signal)
          : await commitOutput(room, job, output, own, headerSha, signal)),
      );
    }
    if (lost.length > 0) {
      await repair(room, job, lost, signal);
      return false;
    }
  }
  const reporting = await goOn(room, job, ['committing'], 'reporting', signal);
  if (reporting.state === 'reporting') {
    await writeRejects(room.blobs, reporting, records, signal);
    const seconds = Math.max(secondsIn(reporting, 'running', 'committing'), 0.001);
    const statistics = records.map(record => record.statistics);
    for (const [name, text] of Object.entries(await room.reports.make(reporting, statistics, seconds))) {
      const contentType = name.endsWith('.html')
        ? 'text/html; charset=utf-8'
        : name.endsWith('.json')
          ? 'application/json'
          : 'text/plain; charset=utf-8';
      await room.blobs.write(`jobs/${job.id}/${name}`, Buffer.from(text), { contentType }, 'any', signal);
    }
  }
  const archiving = await goOn(room, reporting, ['reporting'], 'archiving', signal);
  return archiving.state === 'archiving' ? finishArchived(room, archiving, signal) : archiving.state === 'succeeded';
}

/** Copies the output where it was asked for, and clears away what only the work needed. */
async function finishArchived(room: FinishRoom, job: Job, signal: AbortSignal): Promise<boolean> {
  if (job.archive !== null) await archive(room, job, job.archive, signal);
  await clearAway(room, job.id, signal);
  const { job: done, changed } = await changeJob(room.blobs, job.id, signal, held => {
    if (held.state !== 'archiving') return undefined;
    const late = room.clock() > Date.parse(held.deadline);
    const progress = { ...held.progress, eta: null, sla: late ? ('missed' as const) : ('on_track' as const) };
    return inState(held, 'succeeded', room.clock(), { progress });
  });
  if (changed) {
    const { rows, rejected } = done.progress;
    room.log.info(`job ${job.id} succeeded: ${rows - rejected} rows scored, ${rejected} rejected, in ${done.output}`);
    room.events.ended(done);
    if (done.progress.sla === 'missed' && job.progress.sla !== 'missed') room.events.sla(done);
  }
  await markEnded(room.blobs, job.id, signal);
  return true;
}

async function archive(room: FinishRoom, job: Job, target: string, signal: AbortSignal): Promise<void> {
  for (const { place } of outputsOf(job)) await archiveOne(room, job, place, target, signal);
}

async function archiveOne(
  room: FinishRoom,
  { output_format, archive_tier }: Job,
  place: string,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const tier = archive_tier ?? undefined;
  const from = parsePlace(place)!;
  const to = parsePlace(`${target.replace(/\/+$/, '')}/${from.path.split('/').at(-1)}`)!;
  if (output_format !== 'parquet') {
    await room.storage(to.container).copyFrom(to.path, from.container, from.path, tier, signal);
    return;
  }
  for (const { path } of await room.storage(from.container).describe(`${from.path}/`, signal)) {
    const name = path.slice(from.path.length);
    await room.storage(to.container).copyFrom(`${to.path}${name}`, from.container, path, tier, signal);
  }
}

const DELETES_AT_ONCE = 16;

/** A job's records, attempts, chunks' rejects and unpacked inputs; the document, the report and `rejects.csv` stay. */
export async function clearAway(room: JobRoom, id: string, signal: AbortSignal): Promise<void> {
  for (const folder of ['attempts', 'rejects', 'quotes', 'counts', 'parts', UNPACKED]) {
    const blobs = await room.blobs.describe(`jobs/${id}/${folder}/`, signal);
    await someAtOnce(blobs, DELETES_AT_ONCE, ({ path }) => room.blobs.remove(path, signal));
  }
}

/** To the next state, unless somebody else was faster. */
async function goOn(
  room: FinishRoom,
  job: Job,
  from: readonly JobState[],
  to: JobState,
  signal: AbortSignal,
): Promise<Job> {
  const { job: next } = await changeJob(room.blobs, job.id, signal, held =>
    from.includes(held.state) ? inState(held, to, room.clock()) : undefined,
  );
  return next;
}

function secondsIn({ history }: Job, from: JobState, to: JobState): number {
  const at = (state: JobState) => Date.parse(history.findLast(each => each.state === state)?.at ?? '');
  return (at(to) - at(from)) / 1000;
}

/** What finishing failed of, in the log and nowhere else: who tends the jobs tries again. */
export function sayFailure(room: JobRoom, id: string, thrown: unknown): void {
  room.log.warn(`job ${id}: ${asError(thrown).message}; it is tried again`);
}
