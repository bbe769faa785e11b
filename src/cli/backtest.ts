import { Command, InvalidArgumentError } from 'commander';
import { readTime } from './read-time.ts';
import type { BacktestCommandOptions } from './run-backtest.ts';
import type { Terminal } from './terminal.ts';

const HELP = `
Both versions answer on this machine what was asked of production in that time; nothing is written to a hub. Requests that name a version, other than production, are left out.
Exit status with --max-flips: 0 where no larger share is answered otherwise, 2 beyond. Without: 0 where the evidence says that it is as good, 2 that it is worse, 3 neither.

Examples:
  $ npx hubscore backtest churn 1.2.0 --from 7d
  $ npx hubscore backtest churn 1.2.0 --against 1.1.0 --from 2026-11-21T09:00Z --to 2026-11-21T17:00Z --max-flips 0.02
  $ npx hubscore backtest churn 1.2.0 --from 30d --capture https://ACCOUNT.blob.core.windows.net/capture/`;

/** `hubscore backtest NAME VERSION` */
export function backtestCommand(terminal: Terminal): Command {
  return new Command('backtest')
    .summary('would a version have answered otherwise?')
    .description('Has a version answer past requests again, beside another one, and says where the two differ.')
    .argument('<name>', 'model')
    .argument('<version>', 'version or alias that is to be tried')
    .option('-a, --against <version>', 'version or alias that it is held against (default: production)')
    .option(
      '-f, --from <time>',
      'requests from this time or age on (2026-11-21T09:00Z, 7d); default: all there are',
      readTime,
    )
    .option('-t, --to <time>', 'requests before this time or age (default: now)', readTime)
    .option('-c, --capture <place>', "folder or URL with Event Hubs Capture's files, where the hub no longer has them")
    .option('-m, --max-flips <share>', 'of requests that may be answered otherwise, as a share of 1', share)
    .option('--flips <file>', 'where all that differ go, as JSON lines')
    .option('--json', 'as one JSON object')
    .addHelpText('after', HELP)
    .action(async (name: string, version: string, options: BacktestCommandOptions) =>
      (await import('./run-backtest.ts')).runBacktest(terminal, name, version, options),
    );
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('a number from 0 to 1 is needed');
  return value;
}
