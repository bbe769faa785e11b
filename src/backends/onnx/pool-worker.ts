import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { asError } from '../../core/errors.ts';
import { buffersOf, type WorkerReply, type WorkerRequest } from './worker-protocol.ts';

/** One thread of the pool. It does one request after the other, and answers in their order. */
export interface PoolWorker {
  /** Requests that it has not answered: the one that it works at, and what lies ready for it. */
  readonly pending: number;
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
  const pending: { resolve(reply: WorkerReply): void; reject(error: Error): void }[] = [];
  let alive = true;
  let lastAsked: Promise<unknown> = Promise.resolve();
  let fault = 'it ended';

  worker.on('message', (reply: WorkerReply) => {
    const asked = pending.shift();
    if (pending.length === 0) worker.unref();
    if (reply.kind === 'failed') asked?.reject(new Error(reply.message));
    else asked?.resolve(reply);
  });
  worker.on('error', thrown => {
    fault = asError(thrown).message;
  });
  worker.on('exit', () => {
    alive = false;
    pending.splice(0).forEach(({ reject }, place) => {
      reject(new WorkerLost(`the worker thread was lost: ${fault}`, place === 0));
    });
  });

  return {
    get pending() {
      return pending.length;
    },
    get alive() {
      return alive;
    },
    ask(request) {
      const asked = new Promise<WorkerReply>((resolve, reject) => {
        if (!alive) throw new WorkerLost(`the worker thread was lost: ${fault}`, false);
        worker.ref();
        pending.push({ resolve, reject });
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

/** The thread ended before it answered. */
export class WorkerLost extends Error {
  override readonly name = 'WorkerLost';
  /** It was at work on the request, whose own fault it may be: nobody can tell. */
  readonly begun: boolean;

  constructor(message: string, begun: boolean) {
    super(message);
    this.begun = begun;
  }
}
