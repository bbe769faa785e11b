import { app, type InvocationContext, type Timer } from '@azure/functions';
import { replayDeadLetters, settings } from '../app/app.ts';

if (settings.REPLAY_SCHEDULE) {
  app.timer('replay-dead-letters', {
    schedule: settings.REPLAY_SCHEDULE,
    handler: ({ scheduleStatus }: Timer, context: InvocationContext): Promise<void> =>
      replayDeadLetters(scheduleStatus?.last, context),
  });
}
