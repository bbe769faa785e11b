import { app } from '@azure/functions';
import { settings, sweep } from '../app/app.ts';

app.timer('sweep', {
  schedule: settings.SWEEP_SCHEDULE,
  handler: (_, context) => sweep(context),
});
