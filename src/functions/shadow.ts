import { app } from '@azure/functions';
import { settings, shadow } from '../app/app.ts';

app.timer('shadow', {
  schedule: settings.SWEEP_SCHEDULE,
  handler: (_, context) => shadow(context),
});
