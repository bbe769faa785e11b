import type { TableCounts, TableDrift } from '../../core/table-scorer.ts';
import { reportLines, reportOf } from '../report.ts';
import { mergeStatistics, NO_STATISTICS, type Statistics } from '../statistics.ts';
import type { JobReports } from './finish.ts';
import type { Job } from './job.ts';
import { reportPage } from './report-page.ts';

/** Holds what was counted against the version's profile; undefined where it has none. */
export type JudgeDrift = (
  job: Pick<Job, 'model' | 'model_version'>,
  counts: TableCounts,
  classes: Readonly<Record<string, number>>,
) => Promise<TableDrift | undefined>;

/** What a job is told with: `report.json`, `report.txt` and a page of its own. */
export function createReports(judge: JudgeDrift = async () => undefined): JobReports {
  const drift = async (job: Job, { inputs, classes }: Statistics) => inputs && judge(job, inputs, classes);
  return {
    drift,
    async make(job, statistics, seconds) {
      const merged = (statistics as Statistics[]).reduce(mergeStatistics, NO_STATISTICS);
      const { model, model_version: modelVersion, classes } = job;
      const found = await drift(job, merged);
      const report = reportOf(merged, { model, modelVersion, classes, seconds, drift: found });
      const { id, input, output, attempt, timestamp } = job;
      const whole = { job: id, input: input.map(({ path }) => path), output, attempt, timestamp, ...report };
      return {
        'report.json': JSON.stringify(whole, undefined, 2),
        'report.html': reportPage(job, report),
        'report.txt': [`job       ${id}`, ...reportLines(report), `output    ${output}`, ''].join('\n'),
      };
    },
  };
}
