import { Command } from 'commander';
import type { Terminal } from './terminal.ts';

const HELP = `
By the result, its request and the document in force: as long as the hubs keep them (RETENTION_HOURS). What is over is said in words. Exit status 1 where there is nothing to be found, 3 where the ending is not there.

Examples:
  $ npx hubscore lineage inference-requests/2/1841
  $ npx hubscore lineage inference-requests/2/1842/3 --json | jq .files`;

/** `hubscore lineage RESULT_ID` */
export function lineageCommand(terminal: Terminal): Command {
  return new Command('lineage')
    .summary('where a result comes from: request, version, files, rollout')
    .description('Where one result, or dead letter, comes from.')
    .argument('<result-id>', 'result_id of a result or a dead letter')
    .option('--json', 'as one JSON object')
    .addHelpText('after', HELP)
    .action(async (id: string, options) => (await import('./lineage/run-lineage.ts')).lineage(terminal, id, options));
}
