import { type Command, InvalidArgumentError } from 'commander';
import type { SubmitOptions } from './submit-jobs.ts';
import type { Terminal } from './terminal.ts';

const SUBMIT_HELP = `
What can be found out beforehand is: the input is there and has the model's columns, one of its first rows at least can be scored, the output is free. Exit status 2 where it is refused.
With --wait the exit status is that of the job: 0 where it succeeded, 2 where it failed or was cancelled.

Examples:
  $ npx hubscore batch submit lake/in/churn.csv --model churn --output lake/out/churn.csv --id-column user_id --wait
  $ npx hubscore batch submit 'lake/in/dt={date}/*.csv' --model churn --output 'lake/out/dt={date}.csv' --date 2026-11-01..2026-11-20
  $ npx hubscore batch submit --template nightly --date 2026-11-20`;

/** Jobs that the functions app scores. */
export function addJobCommands(batch: Command, terminal: Terminal): void {
  const json = ['--json', 'one JSON document'] as const;
  const room = () => import('./job-commands.ts');
  batch
    .command('submit')
    .description('Submits a job for the functions app.')
    .argument('[input]', 'blob as container/path, a prefix, a glob or a date pattern')
    .option('-m, --model <name>', 'model')
    .option('--model-version <version>', 'version or alias (default: production)')
    .option(
      '-o, --output <path>',
      'blob as container/path; a folder where --format is parquet; one of each file where {name} stands in it',
    )
    .option('--id-column <name>', 'column that names a row; without one rows are numbered')
    .option('--include-features', "the input's other columns stand in the output, too")
    .option('--include-probabilities', 'a column for every class')
    .option('--format <format>', "csv, ndjson or parquet (default: the input's)")
    .option('--input-format <format>', 'csv, ndjson, parquet or capture (default: by the name)')
    .option('--delimiter <character>', 'of a CSV (default: told from its header)')
    .option('--encoding <name>', 'of a CSV (default: told from its first bytes)')
    .option('--max-rejected <share>', 'of rows that may be rejected (default: 0.01)', toNumber)
    .option('--fail-on-drift', "fail where the input is an alarm against the version's profile")
    .option('--chunk-bytes <n>', 'of the input that is scored at once (default: 16777216)', toNumber)
    .option('--sla-seconds <n>', 'in which it should be done (default: 7200)', toNumber)
    .option('--overwrite', 'replace what stands at the output')
    .option('--archive <path>', 'folder that the output is copied to')
    .option('--archive-tier <tier>', "of that copy: Hot, Cool, Cold or Archive (default: the account's)")
    .option('--id <id>', 'name of the job; one that is there already is shown, and not made again')
    .option('--template <name>', 'take jobs/templates/NAME.json of the container with the jobs')
    .option('--date <day>', 'fills {date}; FROM..TO makes a job a day')
    .option('--wait', 'wait for its end')
    .option(...json)
    .addHelpText('after', SUBMIT_HELP)
    .action(async (input: string | undefined, options: SubmitOptions) =>
      (await import('./submit-jobs.ts')).submitJobs(terminal, input, options),
    );
  batch
    .command('list')
    .description('Lists jobs, the newest first.')
    .option(...json)
    .action(async options => (await room()).listJobs(terminal, options));
  batch
    .command('status')
    .description('Shows how a job stands, step by step.')
    .argument('<job>', 'its id')
    .option('--wait', 'until its end')
    .option(...json)
    .action(async (id, options) => (await room()).showStatus(terminal, id, options));
  batch
    .command('report')
    .description("Shows a job's report.")
    .argument('<job>', 'its id')
    .option('--html', 'as a page of its own')
    .option(...json)
    .action(async (id, options) => (await room()).showReport(terminal, id, options));
  batch
    .command('rejects')
    .description('Shows the rows that were rejected, and why.')
    .argument('<job>', 'its id')
    .option(...json)
    .action(async (id, options) => (await room()).showRejects(terminal, id, options));
  batch
    .command('cancel')
    .description('Cancels a job; nothing is to be seen at its output.')
    .argument('<job>', 'its id')
    .option(...json)
    .action(async (id, options) => (await room()).cancelJob(terminal, id, options));
  batch
    .command('retry')
    .description('Does what of a failed or cancelled job is missing.')
    .argument('<job>', 'its id')
    .option('--wait', 'wait for its end')
    .option(...json)
    .action(async (id, options) => (await room()).retryJob(terminal, id, options));
}

function toNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('a number is expected');
  return value;
}
