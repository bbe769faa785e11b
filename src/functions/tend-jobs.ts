import { app, type Timer } from '@azure/functions';
import { settings, submitScheduled, tendJobs } from '../app/app.ts';

app.timer('tend-jobs', { schedule: '0 * * * * *', handler: (_, context) => tendJobs(context) });

if (settings.BATCH_SCHEDULE) {
  // Every minute: the host knows UTC alone, and the schedule is meant in BATCH_TIME_ZONE.
  app.timer('submit-jobs', {
    schedule: '0 * * * * *',
    handler: ({ scheduleStatus }: Timer, context) => submitScheduled(scheduleStatus?.last, context),
  });
}
