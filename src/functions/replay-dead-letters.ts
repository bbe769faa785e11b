import { app, type Timer } from '@azure/functions';
import { getApp, settings } from '../app/app.ts';

if (settings.REPLAY_SCHEDULE) {
  app.timer('replay-dead-letters', {
    schedule: settings.REPLAY_SCHEDULE,
    async handler({ scheduleStatus }: Timer): Promise<void> {
      await (await getApp()).replayDeadLetters(scheduleStatus?.last);
    },
  });
}
