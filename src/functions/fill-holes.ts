import { app, type InvocationContext, type Timer } from '@azure/functions';
import { fillHoles, settings } from '../app/app.ts';

app.timer('fill-holes', {
  schedule: settings.FILL_HOLES_SCHEDULE,
  async handler(timer: Timer, context: InvocationContext): Promise<void> {
    // A tick missed while the app was down comes at start-up, when the partitions are only just being taken up again.
    if (!timer.isPastDue) await fillHoles(context);
  },
});
