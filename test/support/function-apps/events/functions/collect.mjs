import { app, trigger } from '@azure/functions';

let count = 0,
  first = 0;
app.generic('collect', {
  trigger: trigger.generic({
    type: 'eventHubTrigger',
    name: 'events',
    connection: 'EventHubs',
    eventHubName: '%HUB%',
    consumerGroup: '%GROUP%',
    cardinality: 'many',
    dataType: 'binary',
  }),
  handler: (events, context) => {
    if (!first) first = performance.now();
    count += events.length;
    if (process.env.SHOW) {
      const m = context.triggerMetadata;
      console.log(JSON.stringify(m));
      console.log(events.map(String));
    }
    if (count >= Number(process.env.TOTAL)) {
      console.log(
        'DRAINED',
        count,
        ((count / (performance.now() - first)) * 1000).toFixed(0),
        'per s',
        process.cpuUsage(),
      );
      count = 0;
      first = 0;
    }
  },
});
