import { Command } from 'commander';
import { positive } from './numbers.ts';
import type { Terminal } from './terminal.ts';

/** `hubscore rollout status|plan` */
export function rolloutCommand(terminal: Terminal): Command {
  const rollout = new Command('rollout')
    .summary('let a new version see some of the traffic, and be told whether it is worse')
    .description('Rollouts: how versions replace each other.');
  rollout
    .command('status')
    .description('Where the rollout of a model stands, with evidence.')
    .argument('<name>', 'model')
    .option('--json', 'as one JSON object')
    .action(async (name, options) => (await import('./rollout-status.ts')).rolloutStatus(terminal, name, options));
  rollout
    .command('plan')
    .description('What a rollout can detect at the present traffic, and when.')
    .argument('<name>', 'model')
    .argument('[version]', 'the candidate')
    .option('-w, --weight <percent>', "the candidate's share", positive, 5)
    .option('-d, --duration <duration>', 'how long it would run', '24h')
    .option('-t, --trigger <expression...>', 'triggers in place of the default ones')
    .option('--json', 'as one JSON object')
    .action(async (name, version, options) =>
      (await import('./rollout-plan.ts')).rolloutPlan(terminal, name, version, options),
    );
  return rollout;
}
