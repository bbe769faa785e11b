import { app } from '@azure/functions';
import { settings, watchDrift } from '../app/app.ts';

app.timer('watch-drift', {
  schedule: settings.DRIFT_SCHEDULE,
  handler: (_, context) => watchDrift(context),
});
