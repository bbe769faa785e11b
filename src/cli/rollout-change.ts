import type { Change } from '../rollouts/change.ts';
import { hold, promote, resume, reweigh, rollback } from '../rollouts/decisions.ts';
import { weightAt } from '../rollouts/ramp.ts';
import { changeDeployment } from './change-deployment.ts';
import { commandSettings } from './environment.ts';
import { jsonLine, printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

interface Options {
  readonly json?: boolean;
  readonly force?: boolean;
  readonly reason?: string;
}

type Action = 'promote' | 'rollback' | 'hold' | 'resume';

const DECISIONS = { promote, rollback, hold, resume };

/** `hubscore rollout promote|rollback|hold|resume NAME` */
export async function actOnRollout(terminal: Terminal, name: string, action: Action, options: Options): Promise<void> {
  const settings = commandSettings(terminal.environment, terminal.folder);
  const reason = options.reason === undefined ? undefined : { text: options.reason };
  const change = await changeDeployment(terminal, settings, name, (before, moment) =>
    DECISIONS[action](before, moment, { reason }),
  );
  tellChange(terminal, name, change, options);
}

/** `hubscore rollout weight NAME PERCENT` */
export async function reweighRollout(
  terminal: Terminal,
  name: string,
  weight: number,
  options: Options,
): Promise<void> {
  const settings = commandSettings(terminal.environment, terminal.folder);
  const change = await changeDeployment(terminal, settings, name, (before, moment) =>
    reweigh(before, moment, weight, options.force),
  );
  tellChange(terminal, name, change, options);
}

/** Says where a rollout stands after a change, from when on that holds, and how to undo it. */
export function tellChange(
  { stdout }: Terminal,
  name: string,
  { before, after }: Change,
  { json }: { readonly json?: boolean },
): void {
  const { revision, aliases, rollout, quarantine } = after;
  if (json) {
    stdout.write(`${jsonLine({ model: name, revision, aliases, rollout, quarantine })}\n`);
    return;
  }
  if (rollout === undefined) return;
  const { id, candidate, baseline, phase, kind } = rollout;
  const say = (line: string) => stdout.write(`${printable(line)}\n`);
  const share = (document: typeof after) =>
    document.rollout === undefined ? 0 : weightAt(document.rollout, Date.parse(document.rollout.effective_at));
  const from = after.effective_at === undefined ? 'at once, for the backlog as well' : `from ${after.effective_at} on`;
  if (phase === 'rolled_back') {
    say(`${name}: ${candidate} is taken back ${from}: production is ${aliases.production}`);
    say(`${candidate} is in quarantine; \`npx hubscore models unblock ${name} ${candidate}\` lets it out`);
  } else if (phase === 'promoted') {
    say(`${name}: ${candidate} is production ${from}; undo: \`npx hubscore rollout rollback ${name}\` within 24 h`);
  } else if (phase === 'held') {
    say(`${name}: ${id} is held ${from} at ${share(after)} %; guardrails still roll back`);
    say(`next: \`npx hubscore rollout resume|promote|rollback ${name}\``);
  } else if (before.rollout?.id === id) {
    say(`${name}: ${candidate} gets ${share(after)} % ${from} (before: ${share(before)} %)`);
  } else {
    say(`${name}: ${kind} ${id} of ${candidate} against ${baseline} begins: ${share(after)} % ${from}`);
    say(`watch: \`npx hubscore rollout status ${name}\`; undo: \`npx hubscore rollout rollback ${name}\``);
  }
}
