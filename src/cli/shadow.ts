import { Command } from 'commander';
import { positive } from './numbers.ts';
import type { Terminal } from './terminal.ts';

/** `hubscore shadow start|stop|status` */
export function shadowCommand(terminal: Terminal): Command {
  const shadow = new Command('shadow')
    .summary('have a version asked the same beside production, and see where it differs')
    .description('A version that is asked what production is asked, and answers nobody.');
  shadow
    .command('start')
    .description('Begins to ask it a share of what production is asked.')
    .argument('<name>', 'model')
    .argument('<version>', 'version or alias')
    .option('-s, --sample <percent>', 'of the requests that it is asked', positive, 20)
    .option('--json', 'what it says now as one JSON object')
    .action(async (name, version, options) =>
      (await import('./shadow-change.ts')).beginShadow(terminal, name, version, options),
    );
  shadow
    .command('stop')
    .description('Ends it; what was found stays for MONITOR_RETENTION_DAYS.')
    .argument('<name>', 'model')
    .option('--json', 'what it says now as one JSON object')
    .action(async (name, options) => (await import('./shadow-change.ts')).endShadow(terminal, name, options));
  shadow
    .command('status')
    .description('What it answered otherwise. Exit status 0 pass, 2 fail, 3 undecided.')
    .argument('<name>', 'model')
    .option('--json', 'as one JSON object')
    .action(async (name, options) => (await import('./shadow-status.ts')).shadowStatus(terminal, name, options));
  return shadow;
}
