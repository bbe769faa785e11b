// Writes what it is called with as lines `CALL {…}`, and does what messages say: `fail` throws, `fail-2` throws twice, `slow-500` takes 500 ms,
// `die-2` ends the process at the first try.
import { setTimeout as delay } from 'node:timers/promises';
import { app } from '@azure/functions';

app.storageQueue('collect', {
  queueName: '%QUEUE%',
  connection: process.env.CONNECTION ?? 'AzureWebJobsStorage',
  ...(process.env.DATA_TYPE ? { dataType: process.env.DATA_TYPE } : {}),
  handler: async (message, { triggerMetadata: metadata }) => {
    const binary = Buffer.isBuffer(message);
    console.log(`CALL ${JSON.stringify({ message: binary ? message.toString() : message, binary, metadata })}`);
    const [word, number = Number.POSITIVE_INFINITY] = String(message).split('-');
    const first = metadata.dequeueCount < Number(number);
    if (word === 'slow') await delay(Number(number));
    if (word === 'die' && first) process.kill(process.pid, 'SIGKILL');
    if (word === 'fail' && metadata.dequeueCount <= Number(number)) throw new Error(`told to ${message}`);
    console.log(`DONE ${String(message)}`);
  },
});
