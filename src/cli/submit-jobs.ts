import type { JobView } from '../core/job-service.ts';
import { setExit, tell } from './job-commands.ts';
import { openJobs, refusing, waitFor, writeJson } from './job-room.ts';
import { CommandError, type Terminal } from './terminal.ts';

export interface SubmitOptions {
  readonly model?: string;
  readonly modelVersion?: string;
  readonly output?: string;
  readonly idColumn?: string;
  readonly includeFeatures?: boolean;
  readonly includeProbabilities?: boolean;
  readonly format?: string;
  readonly inputFormat?: string;
  readonly delimiter?: string;
  readonly encoding?: string;
  readonly maxRejected?: number;
  readonly chunkBytes?: number;
  readonly slaSeconds?: number;
  readonly failOnDrift?: boolean;
  readonly overwrite?: boolean;
  readonly archive?: string;
  readonly archiveTier?: string;
  readonly id?: string;
  readonly template?: string;
  readonly date?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

const NOT_BEGUN = 'Nothing was begun, and there is no output.';

/** `hubscore batch submit INPUT`: a job, or one a day. */
export async function submitJobs(terminal: Terminal, input: string | undefined, options: SubmitOptions): Promise<void> {
  const { jobs, settings } = await openJobs(terminal);
  const { signal } = terminal;
  const template = options.template === undefined ? undefined : await readTemplate(settings, options.template, signal);
  const request = { ...template, ...requestOf(input, options) };
  const ended: JobView[] = [];
  for (const dated of await withDates(request, options)) {
    const { job } = await refusing(jobs.submit(dated, signal), NOT_BEGUN);
    ended.push(options.wait ? await waitFor(jobs, job.id, signal, () => {}) : job);
  }
  const [only] = ended;
  if (ended.length > 1 && options.json) writeJson(terminal, { jobs: ended });
  else for (const job of ended) tell(terminal, job, options.json);
  if (options.wait) for (const job of ended.length > 1 ? ended : [only as JobView]) setExit(terminal, job);
}

/** The body of `POST /batch/jobs` that the options make; what they leave out is left to it. */
export function requestOf(input: string | undefined, options: SubmitOptions): Record<string, unknown> {
  const request: Record<string, unknown> = {
    ...{ input, output: options.output, model: options.model, model_version: options.modelVersion, id: options.id },
    ...{ id_column: options.idColumn, format: options.format, archive: options.archive },
    archive_tier: options.archiveTier,
    ...{ include_features: options.includeFeatures, include_probabilities: options.includeProbabilities },
    ...{ max_rejected: options.maxRejected, chunk_bytes: options.chunkBytes, sla_seconds: options.slaSeconds },
    ...{ input_format: options.inputFormat, delimiter: options.delimiter, encoding: options.encoding },
    overwrite: options.overwrite,
    fail_on_drift: options.failOnDrift,
  };
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}

async function readTemplate(
  settings: Parameters<typeof import('../config/connection.ts').batchStorageConnection>[0],
  name: string,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const [{ createBlobs }, { batchStorageConnection }] = await Promise.all([
    import('../azure/blobs.ts'),
    import('../config/connection.ts'),
  ]);
  const blobs = createBlobs(batchStorageConnection(settings), settings.BATCH_CONTAINER);
  const { text } = await blobs.readText(`jobs/templates/${name}.json`, signal);
  return JSON.parse(text);
}

/** The request of every day that --date names; of a template each has the template's name and the day for its id. */
async function withDates(
  request: Record<string, unknown>,
  { date, template, id }: SubmitOptions,
): Promise<readonly Record<string, unknown>[]> {
  if (date === undefined) return [request];
  const { daysFrom } = await import('../batch/jobs/schedule.ts');
  const [from = '', to = from] = date.split('..');
  let days: readonly string[];
  try {
    days = daysFrom(from, to);
  } catch (thrown) {
    throw new CommandError(
      `--date ${date}: ${(thrown as Error).message}`,
      'A day is expected, 2026-11-20, or two: FROM..TO.',
    );
  }
  const name = id ?? template;
  return days.map(day => ({ ...request, date: day, ...(name !== undefined && { id: `${name}-${day}` }) }));
}
