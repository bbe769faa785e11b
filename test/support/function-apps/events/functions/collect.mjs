// Writes what it is called with as lines `CALL {…}`, and does what events' texts say:
// `fail` fails, `fail-2` fails until the second retry, `slow-500` takes 500 ms, `hang` never returns, `block` never yields, `die` ends the process.
import { setTimeout as delay } from 'node:timers/promises';
import { app, trigger } from '@azure/functions';

const { DATA_TYPE, CARDINALITY = 'many', RETRY } = process.env;

async function obey(text, retryCount) {
  const [word, number = Number.POSITIVE_INFINITY] = text.split('-');
  if (word === 'slow') await delay(Number(number));
  if (word === 'hang') await new Promise(() => undefined);
  while (word === 'block');
  if (word === 'die') process.kill(process.pid, 'SIGKILL');
  if (word === 'fail' && retryCount < Number(number)) throw new Error(`told to ${text}`);
}

app.generic('collect', {
  trigger: trigger.generic({
    type: 'eventHubTrigger',
    name: 'events',
    connection: 'EventHubs',
    eventHubName: '%HUB%',
    consumerGroup: '%GROUP%',
    cardinality: CARDINALITY,
    ...(DATA_TYPE === 'none' ? {} : { dataType: DATA_TYPE ?? 'binary' }),
  }),
  ...(RETRY ? { retry: JSON.parse(RETRY) } : {}),
  handler: async (input, context) => {
    const { triggerMetadata: metadata, retryContext } = context;
    const bodies = (CARDINALITY === 'many' ? input : [input]).map(body =>
      Buffer.isBuffer(body) ? body.toString() : body,
    );
    const retryCount = retryContext?.retryCount ?? 0;
    const call = {
      partition: metadata.partitionContext.partitionId,
      sequenceNumbers: metadata.sequenceNumberArray ?? [metadata.sequenceNumber],
      bodies,
      retryCount,
      trace: process.env.METADATA && context.traceContext,
      metadata: process.env.METADATA && metadata,
    };
    if (!process.env.QUIET) console.log(`CALL ${JSON.stringify(call)}`);
    for (const body of bodies) if (typeof body === 'string') await obey(body, retryCount);
    console.log(`DONE ${call.partition} ${call.sequenceNumbers.at(-1)}`);
  },
});
