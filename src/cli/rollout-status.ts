import { commandSettings } from './environment.ts';
import { jsonLine } from './printable.ts';
import { showStatus } from './show-rollout.ts';
import { readSwept } from './swept.ts';
import { columnsOf, paintFor, type Terminal } from './terminal.ts';

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
  const status = statusOf({ model, ...swept });
  if (json) stdout.write(`${jsonLine(status)}\n`);
  else for (const line of showStatus(status, paintFor(stdout), columnsOf(stdout))) stdout.write(`${line}\n`);
  const code = exitStatusOf(status);
  if (code !== 0) terminal.setExitCode(code);
}
