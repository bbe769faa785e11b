import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { asError } from '../../core/errors.ts';
import { buffersOf, type WorkerReply, type WorkerRequest } from './worker-protocol.ts';

/** One thread of the pool; it is given one request at a time. */
export interface PoolWorker {
  readonly busy: boolean;
  /** False once the thread has ended. */
  readonly alive: boolean;
  /** @throws Error as the worker words it, or where the thread ended meanwhile. */
  ask(request: Exclude<WorkerRequest, { kind: 'end' }>): Promise<WorkerReply>;
  /** Lets the thread finish what it does and end by itself. */
  end(): Promise<void>;
}

/** Starts a thread. It keeps the process alive only while it has something to do. */
export function startWorker(url: URL): PoolWorker {
  const worker = new Worker(url, { name: 'hubscore-onnx' });
  worker.unref();
  let pending: { resolve(reply: WorkerReply): void; reject(error: Error): void } | undefined;
  let alive = true;
  let lastAsked: Promise<unknown> = Promise.resolve();
  let fault = 'it ended';

  const settle = (act: (waiting: NonNullable<typeof pending>) => void) => {
    const waiting = pending;
    pending = undefined;
    worker.unref();
    if (waiting) act(waiting);
  };
  worker.on('message', (reply: WorkerReply) => {
    settle(({ resolve, reject }) => (reply.kind === 'failed' ? reject(new Error(reply.message)) : resolve(reply)));
  });
  worker.on('error', thrown => {
    fault = asError(thrown).message;
  });
  worker.on('exit', () => {
    alive = false;
    settle(({ reject }) => reject(new WorkerLost(`the worker thread was lost: ${fault}`)));
  });

  return {
    get busy() {
      return pending !== undefined;
    },
    get alive() {
      return alive;
    },
    ask(request) {
      const asked = new Promise<WorkerReply>((resolve, reject) => {
        if (!alive) throw new WorkerLost(`the worker thread was lost: ${fault}`);
        worker.ref();
        pending = { resolve, reject };
        if (request.kind !== 'run') {
          worker.postMessage(request);
          return;
        }
        // Copies, since the caller may need its tensors again (a failed slice is halved); and of the slice alone, since
        // a view would take the whole buffer behind it along.
        const inputs = Object.fromEntries(
          Object.entries(request.inputs).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
        ) as typeof request.inputs;
        worker.postMessage({ ...request, inputs }, buffersOf(inputs));
      });
      lastAsked = asked.catch(() => {});
      return asked;
    },
    async end() {
      await lastAsked; // a session released under a run takes the process with it
      if (!alive) return;
      worker.ref();
      const ended = once(worker, 'exit');
      worker.postMessage({ kind: 'end' } satisfies WorkerRequest);
      await ended;
    },
  };
}

/** The thread ended while it worked: the slice's own fault or not, nobody can tell. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost';
}
