import { Command, InvalidArgumentError, Option } from 'commander';
import { ENCODINGS } from '../batch/csv/text.ts';
import { INPUT_FORMATS } from '../batch/format.ts';
import { OUTPUT_FORMATS } from '../batch/range.ts';
import type { ScoreOptions } from './batch/score-options.ts';
import { addJobCommands } from './batch-jobs.ts';
import { whole } from './numbers.ts';
import type { Terminal } from './terminal.ts';

const SCORE_HELP = `
INPUT is a file, a pattern in quotes ('in/*.csv'), the URL of a blob or of several, or - for standard input; OUTPUT a file, a URL, or - for
standard output. CSV, NDJSON or
Parquet by its extension, also .gz and .zst. The output appears whole, once all of it has passed, or not at all: exit status 2 where the input is refused. More: docs/batch.md.

Examples:
  $ npx hubscore batch score night.csv scored.csv --model churn --id-column user_id
  $ npx hubscore batch score night.csv - --model samples/models/diabetes/1.0.0 --include-features | head`;

/** `hubscore batch`; what its commands need is loaded when they are called, since ONNX Runtime takes its time. */
export function batchCommand(terminal: Terminal): Command {
  const batch = new Command('batch')
    .summary('score files: here, or as jobs of the functions app')
    .description('Whole files, scored as the stream scores events.');
  batch
    .command('score')
    .description('Scores files on this machine, here and now, with all its cores.')
    .argument('<input>', 'file, pattern in quotes, or -')
    .argument('<output>', 'file, or -')
    .requiredOption('-m, --model <model>', 'name of a model in storage, or model.onnx, or the folder it is in')
    .option('-v, --model-version <version>', 'version or alias of a model in storage (default: production)')
    .option('-i, --id-column <column>', 'column that names rows in the output (default: they are numbered)')
    .option('--include-features', "the input's other columns, behind the prediction")
    .option('--include-probabilities', 'a column more for each class')
    .option('--max-rejected <share>', 'rows that may be rejected, as a share of 1', share, 0.01)
    .option('--rejects <file>', 'where rejected rows go, as CSV')
    .option('--overwrite', 'put the output in the place of one that is there')
    .addOption(
      new Option('--format <name>', 'of the output (default: by its extension, else csv)').choices(OUTPUT_FORMATS),
    )
    .addOption(
      new Option('--input-format <name>', 'of the input (default: by its extension, else csv)').choices(INPUT_FORMATS),
    )
    .option('--delimiter <character>', 'of the input (default: told from its header)', character)
    .addOption(new Option('--encoding <name>', 'of the input (default: told from its first bytes)').choices(ENCODINGS))
    .option('--chunk-bytes <number>', 'bytes that are scored in one go', whole, 4 * 1024 * 1024)
    .option('--processes <number>', 'processes at work (default: one a core)', whole)
    .option('--json', 'the report as one JSON object')
    .addHelpText('after', SCORE_HELP)
    .action(async (input: string, output: string, options: ScoreOptions) =>
      (await import('./batch/score.ts')).scoreFilesHere(terminal, input, output, options),
    );
  addJobCommands(batch, terminal);
  return batch;
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('a number from 0 to 1 is needed');
  return value;
}

function character(text: string): string {
  if (text === '\\t' || text === 'tab') return '\t';
  if (text.length !== 1 || text > '\x7f') throw new InvalidArgumentError('one ASCII character is needed');
  return text;
}
