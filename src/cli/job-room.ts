import type { Settings } from '../config/settings.ts';
import { JobProblem, type JobService, type JobView } from '../core/job-service.ts';
import { commandSettings } from './environment.ts';
import { openStore } from './model-room.ts';
import { jsonLine } from './printable.ts';
import { Refusal, type Terminal } from './terminal.ts';

/** Jobs of the account that the settings name. Models are opened where a job is submitted, and not before. */
export async function openJobs(
  terminal: Terminal,
): Promise<{ readonly jobs: JobService; readonly settings: Settings }> {
  const settings = commandSettings(terminal.environment, terminal.folder);
  const [{ openJobRoom, openSubmitRoom, modelsOf }, { createJobService }, { withCatalog }] = await Promise.all([
    import('../app/open-jobs.ts'),
    import('../batch/jobs/job-service.ts'),
    import('./with-catalog.ts'),
  ]);
  const log = { info() {}, warn: say(terminal), error: say(terminal) };
  const world = { clock: Date.now, log };
  const room = openJobRoom(settings, world, { ended() {}, sla() {}, chunk() {} });
  const silent = { info() {}, warn() {}, error() {} };
  const jobs = createJobService({
    ...room,
    inspector: {
      async inspect(...asked) {
        const store = await openStore(settings);
        return withCatalog(settings, store, { log: silent, signal: terminal.signal }, catalog =>
          openSubmitRoom(room, modelsOf(settings, catalog, world)).inspector.inspect(...asked),
        );
      },
    },
  });
  return { jobs, settings };
}

const say =
  ({ stderr }: Terminal) =>
  (message: string) =>
    void stderr.write(`${message}\n`);

/** @throws Refusal in the place of JobProblem: exit status 2 */
export async function refusing<T>(work: Promise<T>, next: string): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof JobProblem) throw new Refusal(thrown.message, next, { cause: thrown });
    throw thrown;
  }
}

const ENDED = new Set(['succeeded', 'failed', 'cancelled']);
const PAUSE_MS = 1000;

/** Asks until a job has come to its end. */
export async function waitFor(
  jobs: JobService,
  id: string,
  signal: AbortSignal,
  onLook: (job: JobView) => void,
): Promise<JobView> {
  const { setTimeout: delay } = await import('node:timers/promises');
  for (;;) {
    const job = await jobs.status(id, signal);
    onLook(job);
    if (ENDED.has(job.state)) return job;
    await delay(PAUSE_MS, undefined, { signal });
  }
}

export function writeJson({ stdout }: Terminal, value: unknown): void {
  stdout.write(`${jsonLine(value as object)}\n`);
}
