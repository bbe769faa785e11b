import { app, type InvocationContext, trigger } from '@azure/functions';
import { closeApp, scoreRequests, settings, warmUp } from '../../../../../src/app/app.ts';

/** As src/functions/score-requests.ts, but for the retry policy: without one the host checkpoints past a batch that failed. */
app.generic('score-requests', {
  trigger: trigger.generic({
    type: 'eventHubTrigger',
    connection: 'EventHubs',
    eventHubName: settings.REQUESTS_HUB,
    consumerGroup: settings.CONSUMER_GROUP,
    cardinality: 'many',
    dataType: 'binary',
  }),
  async handler(events: unknown, context: InvocationContext): Promise<void> {
    await scoreRequests(events, context.triggerMetadata);
  },
});

app.hook.appStart(() => void warmUp());
app.hook.appTerminate(closeApp);
