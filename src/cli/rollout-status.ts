import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { commandSettings } from './environment.ts';
import { jsonLine } from './printable.ts';
import { showStatus } from './show-rollout.ts';
import { readSwept, type Swept } from './swept.ts';
import { columnsOf, paintFor, type Terminal } from './terminal.ts';

/** More than the app takes for it: nobody waits for a rollback here. */
const BLAME_MS = 15_000;
const BLAME_ENDINGS = 20_000;

/** Where the first trigger that fails has its bad trials; undefined where the document says it, none fails, or the hubs cannot be read. */
async function blameOf(settings: Settings, model: string, { document, counts, nowMs }: Swept, signal: AbortSignal) {
  const { rollout } = document;
  if (rollout === undefined || rollout.blame !== undefined || rollout.phase === 'promoted') return undefined;
  const { judgeRollout } = await import('../verdicts/judge-rollout.ts');
  const failed = judgeRollout(model, rollout, counts, nowMs).triggers.find(({ verdict }) => verdict === 'fail');
  if (failed === undefined) return undefined;
  const [{ blameFor }, { createBlobs }, { withDeadline }] = await Promise.all([
    import('../app/find-blame.ts'),
    import('../azure/blobs.ts'),
    import('../core/waiting.ts'),
  ]);
  const models = createBlobs(modelStorageConnection(settings), settings.MODELS_CONTAINER);
  const options = { models, model, rollout, trigger: failed.trigger, atMost: BLAME_ENDINGS };
  return withDeadline(BLAME_MS, signal, own => blameFor(settings, options, own)).catch(() => undefined);
}

/** `hubscore rollout status NAME`: exit status 0 where it passes or there is none, 2 where it fails or was rolled back, 3 where it is undecided. */
export async function rolloutStatus(
  terminal: Terminal,
  model: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const { stdout, signal } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const [swept, { exitStatusOf, statusOf }] = await Promise.all([
    readSwept(settings, model, signal),
    import('../verdicts/status.ts'),
  ]);
  const status = statusOf({ model, ...swept, blame: await blameOf(settings, model, swept, signal) });
  if (json) stdout.write(`${jsonLine(status)}\n`);
  else for (const line of showStatus(status, paintFor(stdout), columnsOf(stdout))) stdout.write(`${line}\n`);
  const code = exitStatusOf(status);
  if (code !== 0) terminal.setExitCode(code);
}
