import { parentPort } from 'node:worker_threads';
import { asError } from '../../core/errors.ts';
import { estimateMemory } from './memory.ts';
import { type OnnxSession, openSession } from './session.ts';
import { buffersOf, type WorkerReply, type WorkerRequest } from './worker-protocol.ts';

// A worker thread of the pool: it holds a session of every heavy model and answers one request after the other.
const port = parentPort!;
const sessions = new Map<number, OnnxSession>();
let last: Promise<void> = Promise.resolve();

async function answer(request: Exclude<WorkerRequest, { kind: 'end' }>): Promise<WorkerReply> {
  switch (request.kind) {
    case 'load': {
      const before = process.memoryUsage.rss();
      const session = await openSession(request.file, request.intraOpThreads);
      sessions.set(request.model, session);
      const memoryBytes = estimateMemory(request.bytes, process.memoryUsage.rss() - before);
      return { kind: 'loaded', model: { signature: session.signature, memoryBytes } };
    }
    case 'run': {
      const session = sessions.get(request.model);
      if (!session) throw new Error('the model is not loaded in this worker');
      return { kind: 'ran', outputs: await session.run(request.inputs) };
    }
    case 'unload': {
      await sessions.get(request.model)?.release();
      sessions.delete(request.model);
      return { kind: 'unloaded' };
    }
  }
}

async function end(): Promise<void> {
  for (const session of sessions.values()) await session.release();
  port.close(); // the thread ends by itself
}

port.on('message', (request: WorkerRequest) => {
  if (request.kind === 'end') {
    void end();
    return;
  }
  last = last
    .then(() => answer(request))
    .then(
      reply => port.postMessage(reply, reply.kind === 'ran' ? buffersOf(reply.outputs) : []),
      thrown => port.postMessage({ kind: 'failed', message: asError(thrown).message } satisfies WorkerReply),
    );
});
