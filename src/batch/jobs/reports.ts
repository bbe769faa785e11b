import { reportLines, reportOf } from '../report.ts';
import { mergeStatistics, NO_STATISTICS, type Statistics } from '../statistics.ts';
import type { JobReports } from './finish.ts';
import { reportPage } from './report-page.ts';

/** What a job is told with: `report.json`, `report.txt` and a page of its own. */
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
        'report.html': reportPage(job, report),
        'report.txt': [`job       ${id}`, ...reportLines(report), `output    ${output}`, ''].join('\n'),
      };
    },
  };
}
