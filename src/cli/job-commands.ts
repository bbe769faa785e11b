import type { JobView } from '../core/job-service.ts';
import { openJobs, refusing, waitFor, writeJson } from './job-room.ts';
import { printable, printableLines } from './printable.ts';
import { showJob, showJobLine } from './show-job.ts';
import { layTable } from './table.ts';
import { columnsOf, paintFor, type Terminal } from './terminal.ts';

interface Options {
  readonly json?: boolean;
  readonly wait?: boolean;
  readonly html?: boolean;
}

const NOTHING_CHANGED = 'Nothing was changed: `npx hubscore batch list` shows what jobs there are.';

/** `hubscore batch list` */
export async function listJobs(terminal: Terminal, { json }: Options): Promise<void> {
  const { jobs } = await openJobs(terminal);
  const found = await jobs.list(terminal.signal);
  if (json) return writeJson(terminal, { jobs: found });
  const { stdout } = terminal;
  if (found.length === 0) {
    stdout.write('no jobs yet: `npx hubscore batch submit INPUT --model NAME --output PATH` makes one\n');
    return;
  }
  const rows = found.map(job => showJobLine(job).map(printable));
  const heads = ['job', 'state', 'chunks', 'rows', 'rejected', 'rows/s'];
  for (const line of layTable({ heads, rows, width: columnsOf(stdout) }, paintFor(stdout))) stdout.write(`${line}\n`);
}

/** `hubscore batch status ID` */
export async function showStatus(terminal: Terminal, id: string, { json, wait }: Options): Promise<void> {
  const { jobs } = await openJobs(terminal);
  const job = await refusing(
    wait ? waitFor(jobs, id, terminal.signal, () => {}) : jobs.status(id, terminal.signal),
    NOTHING_CHANGED,
  );
  tell(terminal, job, json);
  if (wait) setExit(terminal, job);
}

/** `hubscore batch cancel ID` */
export async function cancelJob(terminal: Terminal, id: string, { json }: Options): Promise<void> {
  const { jobs } = await openJobs(terminal);
  tell(terminal, await refusing(jobs.cancel(id, terminal.signal), NOTHING_CHANGED), json);
}

/** `hubscore batch retry ID` */
export async function retryJob(terminal: Terminal, id: string, { json, wait }: Options): Promise<void> {
  const { jobs } = await openJobs(terminal);
  const job = await refusing(jobs.retry(id, terminal.signal), NOTHING_CHANGED);
  if (!wait) return tell(terminal, job, json);
  const ended = await waitFor(jobs, id, terminal.signal, () => {});
  tell(terminal, ended, json);
  setExit(terminal, ended);
}

/** `hubscore batch report ID` */
export async function showReport(terminal: Terminal, id: string, { json, html }: Options): Promise<void> {
  const { jobs } = await openJobs(terminal);
  const form = json ? 'json' : html ? 'html' : 'txt';
  const text = await refusing(jobs.report(id, form, terminal.signal), NOTHING_CHANGED);
  if (json) return writeJson(terminal, JSON.parse(text));
  terminal.stdout.write(html ? text : printableLines(text));
}

/** `hubscore batch rejects ID` */
export async function showRejects(terminal: Terminal, id: string, { json }: Options): Promise<void> {
  const { jobs } = await openJobs(terminal);
  const csv = await refusing(jobs.rejects(id, terminal.signal), NOTHING_CHANGED);
  if (!json) {
    terminal.stdout.write(csv);
    return;
  }
  const { readRejects } = await import('../batch/jobs/rejects.ts');
  writeJson(terminal, { rejects: readRejects(csv) });
}

export function tell(terminal: Terminal, job: JobView, json: boolean | undefined): void {
  if (json) writeJson(terminal, job);
  else for (const line of showJob(job)) terminal.stdout.write(`${printable(line)}\n`);
}

/** A job that was waited for gives its command its exit status. */
export function setExit(terminal: Terminal, { state }: JobView): void {
  if (state !== 'succeeded') terminal.setExitCode(2);
}
