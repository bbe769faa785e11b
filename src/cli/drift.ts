import { Command } from 'commander';
import type { DriftOptions } from './drift-status.ts';
import type { Terminal } from './terminal.ts';

const HELP = `
Held against the version's profile.json, which \`models push --profile train.csv\` makes. Windows are judged by the timer function watch-drift, of an hour (with fewer than 1,000 rows up to a day) and of a day: docs/drift.md.
--check: exit status 2 at an alarm, 3 where nothing was judged yet.

Examples:
  $ npx hubscore drift churn
  $ npx hubscore drift churn --version 1.1.0 --json
  $ npx hubscore drift churn --adopt`;

/** `hubscore drift NAME` */
export function driftCommand(terminal: Terminal): Command {
  return new Command('drift')
    .summary('whether requests and answers still look like the training data')
    .description('Drift and data quality: what a model is asked and answers, beside what it was trained on.')
    .argument('<name>', 'model')
    .option('-v, --version <version>', 'version or alias (default: production)')
    .option('--adopt', "take the first day in production that the hub still holds as reference, where there's none")
    .option('--check', 'tell by the exit status')
    .option('--json', 'as one JSON object')
    .addHelpText('after', HELP)
    .action(async (name, options: DriftOptions) => {
      if (options.adopt) await (await import('./drift-adopt.ts')).adoptReference(terminal, name, options);
      else await (await import('./drift-show.ts')).showDrift(terminal, name, options);
    });
}
