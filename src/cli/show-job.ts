import type { JobView } from '../core/job-service.ts';

interface Shown {
  readonly chunks: number;
  readonly output: string;
  readonly model: string;
  readonly model_version: string;
  readonly deadline: string;
  readonly progress: {
    readonly chunks: number;
    readonly rows: number;
    readonly rejected: number;
    readonly rows_per_second: number;
    readonly eta: string | null;
    readonly sla: string;
  };
  readonly steps: readonly { readonly name: string; readonly state: string; readonly at?: string }[];
  readonly error: { readonly message: string } | null;
}

const count = (value: number) => value.toLocaleString('en-US');

/** Cells of a job's row. */
export function showJobLine(job: JobView): string[] {
  const { chunks, progress } = job as unknown as Shown;
  const { rows, rejected, rows_per_second } = progress;
  return [job.id, job.state, `${progress.chunks}/${chunks}`, count(rows), count(rejected), count(rows_per_second)];
}

/** A job and its steps, a line each. */
export function showJob(job: JobView): string[] {
  const { chunks, output, model, model_version, deadline, progress, steps, error } = job as unknown as Shown;
  const rows = `${progress.chunks} of ${chunks} chunks, ${count(progress.rows)} rows, ${count(progress.rejected)} rejected, ${count(progress.rows_per_second)} rows/s`;
  const due = `${progress.sla.replace('_', ' ')}, due ${deadline}${progress.eta === null ? '' : `, expected ${progress.eta}`}`;
  return [
    `${job.id} is ${job.state}: ${model} ${model_version} to ${output}`,
    `  ${rows}`,
    `  ${due}`,
    ...steps.map(({ name, state, at }) => `  ${name.padEnd(9)} ${state}${at === undefined ? '' : ` (${at})`}`),
    ...(error === null ? [] : [`  ${error.message}`]),
  ];
}
