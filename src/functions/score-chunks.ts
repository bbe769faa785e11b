import { app } from '@azure/functions';
import { CHUNKS_QUEUE, failChunk, scoreChunk } from '../app/app.ts';

app.storageQueue('score-chunks', {
  connection: 'AzureWebJobsStorage',
  queueName: CHUNKS_QUEUE,
  // A chunk that fails goes back into the queue with a delay, and the function returns: thrown, it would come again at once.
  handler: (message, context) => scoreChunk(message, context),
});

// The host puts a message there that came five times: whoever took it ended.
app.storageQueue('fail-chunks', {
  connection: 'AzureWebJobsStorage',
  queueName: `${CHUNKS_QUEUE}-poison`,
  handler: (message, context) => failChunk(message, context),
});
