import { reportLines, reportOf } from '../report.ts';
import { mergeStatistics, NO_STATISTICS, type Statistics } from '../statistics.ts';
import type { JobReports } from './finish.ts';

/** What a job is told with: `report.json` and `report.txt`. */
export function createReports(): JobReports {
  return {
    async make(job, statistics, seconds) {
      const merged = (statistics as Statistics[]).reduce(mergeStatistics, NO_STATISTICS);
      const { model, model_version: modelVersion, classes } = job;
      const report = reportOf(merged, { model, modelVersion, classes, seconds });
      const { id, input, output, attempt, timestamp } = job;
      const whole = { job: id, input: input.map(({ path }) => path), output, attempt, timestamp, ...report };
      return {
        'report.json': JSON.stringify(whole, undefined, 2),
        'report.txt': [`job       ${id}`, ...reportLines(report), `output    ${output}`, ''].join('\n'),
      };
    },
  };
}
