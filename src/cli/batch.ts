import { Command } from 'commander';
import { addJobCommands } from './batch-jobs.ts';
import type { Terminal } from './terminal.ts';

/** `hubscore batch …`; what the commands need is loaded when they are called. */
export function batchCommand(terminal: Terminal): Command {
  const batch = new Command('batch')
    .summary('score files: here, or as jobs of the functions app')
    .description('Files in, files out, by the same models and the same encoder as the stream.');
  addJobCommands(batch, terminal);
  return batch;
}
