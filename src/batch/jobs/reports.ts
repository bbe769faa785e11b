import { deviationOf, mergeStatistics, NO_STATISTICS, type Statistics } from '../statistics.ts';
import type { JobReports } from './finish.ts';
import type { Job } from './job.ts';

/** What a job is told with: `report.json` and `report.txt`. */
export function createReports(): JobReports {
  return {
    async make(job, statistics, seconds) {
      const merged = (statistics as Statistics[]).reduce(mergeStatistics, NO_STATISTICS);
      const report = reportOf(job, merged, seconds);
      return { 'report.json': JSON.stringify(report, undefined, 2), 'report.txt': textOf(report) };
    },
  };
}

function reportOf(job: Job, { rows, codes, score, classes, features }: Statistics, seconds: number) {
  const total = rows.scored + rows.rejected;
  return {
    ...{ job: job.id, model: job.model, model_version: job.model_version, output: job.output },
    rows: rows,
    score: { mean: score.mean, std: deviationOf(score), min: score.min, max: score.max, histogram: score.bins },
    classes,
    rejects: codes,
    features,
    seconds,
    rows_per_second: Math.round(total / seconds),
  };
}

function textOf(report: ReturnType<typeof reportOf>): string {
  const { rows, score, rows_per_second: rate } = report;
  return `${report.model} ${report.model_version}: ${rows.scored} rows scored, ${rows.rejected} rejected, ${rate} rows/s; score ${score.mean} ± ${score.std}\n`;
}
