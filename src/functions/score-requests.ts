import { app, type InvocationContext, trigger } from '@azure/functions';
import { closeApp, scoreRequests, settings, warmUp } from '../app/app.ts';

app.generic('score-requests', {
  trigger: trigger.generic({
    type: 'eventHubTrigger',
    connection: 'EventHubs',
    eventHubName: settings.REQUESTS_HUB,
    consumerGroup: settings.CONSUMER_GROUP,
    cardinality: 'many',
    // Without it the host parses bodies itself, and one that is no JSON fails the whole batch before this code runs.
    dataType: 'binary',
  }),
  retry: {
    strategy: 'exponentialBackoff',
    maxRetryCount: -1,
    minimumInterval: { seconds: 2 },
    maximumInterval: { minutes: 1 },
  },
  async handler(events: unknown, context: InvocationContext): Promise<void> {
    // The host checkpoints once this returns: by then every event has its ending.
    await scoreRequests(events, context.triggerMetadata, context);
  },
});

// Models load while the host still attaches to its partitions.
app.hook.appStart(() => void warmUp());
app.hook.appTerminate(closeApp);
