import { Command } from 'commander';
import { positive } from './numbers.ts';
import type { Terminal } from './terminal.ts';

const START_HELP = `
Triggers roll back by themselves, those with :signal only hold: error_rate > 0.01, failed_runs > 0.01, latency_p95 > 500ms, accuracy_drop > 0.05,
error_increase > 12. Given ones replace the defaults, of which failed_runs stays unless it is given. Exit status 2 where it is refused.

Examples:
  $ npx hubscore rollout start churn 1.2.0
  $ npx hubscore rollout start churn 1.2.0 --weight 20 --duration 6h --trigger 'error_rate > 0.02' --trigger 'latency_p95 > 300ms:signal'
  $ npx hubscore rollout start churn 1.2.0 --kind blue_green
  $ npx hubscore rollout start churn 1.2.0 --segment beta --ramp 10+10/7d`;

/** `hubscore rollout start|status|plan|promote|rollback|hold|resume|weight` */
export function rolloutCommand(terminal: Terminal): Command {
  const rollout = new Command('rollout')
    .summary('let a new version see some of the traffic, and be told whether it is worse')
    .description('Rollouts: how versions replace each other.');
  rollout
    .command('start')
    .description('Lets a version see a share of the traffic that names none.')
    .argument('<name>', 'model')
    .argument('<version>', 'the candidate: a version, or an alias that stands for one')
    .option('-k, --kind <kind>', 'canary, blue_green, segments or ab (default: canary, with --segment segments)')
    .option('-w, --weight <percent>', "the candidate's share (default: 5; segments 10, ab 50)", positive)
    .option('-d, --duration <duration>', 'how long it runs: 90s, 30m, 24h, 7d (default: 24h; blue_green 1h)')
    .option('-t, --trigger <expression>', 'what takes it back; may be repeated', collect, [])
    .option('-s, --segment <segment>', 'only requests of this segment; may be repeated', collect, [])
    .option('-r, --ramp <ramp>', 'such as 10+10/7d: ten per cent, and ten more every seven days')
    .option('--on-undecided <what>', 'hold, promote or rollback, where the evidence is out at the end (default: hold)')
    .option('--alpha <share>', 'of healthy rollouts that may be taken back (default: 0.05)', positive)
    .option('--force', 'a version in quarantine, too; ends the cooldown after a rollback')
    .option('--json', 'what it says now as one JSON object')
    .addHelpText('after', START_HELP)
    .action(async (name, version, options) =>
      (await import('./rollout-start.ts')).startRollout(terminal, name, version, options),
    );
  for (const [action, words] of Object.entries(ACTIONS)) {
    rollout
      .command(action)
      .description(words)
      .argument('<name>', 'model')
      .option('--reason <text>', 'why, for the audit trail')
      .option('--json', 'what it says now as one JSON object')
      .action(async (name, options) =>
        (await import('./rollout-change.ts')).actOnRollout(terminal, name, action as keyof typeof ACTIONS, options),
      );
  }
  rollout
    .command('weight')
    .description('Gives the candidate another share; a ramp ends with it. A larger share only adds keys.')
    .argument('<name>', 'model')
    .argument('<percent>', 'above 0, at most 100', positive)
    .option('--force', 'though it cools down after a rollback')
    .option('--json', 'what it says now as one JSON object')
    .action(async (name, percent, options) =>
      (await import('./rollout-change.ts')).reweighRollout(terminal, name, percent, options),
    );
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

const ACTIONS = {
  promote: 'Makes the candidate production; within 24 h `rollback` returns to the version before.',
  rollback: "Takes the candidate's traffic away at once, the backlog's included, and puts it into quarantine.",
  hold: 'Freezes the share reached; what takes it back still does.',
  resume: 'Goes on from where it was held.',
};

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
