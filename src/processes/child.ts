import { type ChildProcess, fork } from 'node:child_process';
import { type Envelope, EXCEEDED_SIGNAL, ended, type Reply } from './protocol.ts';

/** What a request may take; what is left out is not bounded. */
export interface Limits {
  /** Milliseconds from when the child begins with it. While this process itself stands still, no time passes. */
  readonly timeMs?: number | undefined;
  /** Bytes by which the child may grow. */
  readonly growBytes?: number | undefined;
}

/** Why a child ended. */
export type Loss = 'died' | 'time' | 'memory';

/** A child ended before it answered. */
export class ChildLost extends Error {
  override readonly name = 'ChildLost';
  readonly loss: Loss;
  /** It was at work on the request, which may be what ended it; else the request lay ready behind another. */
  readonly begun: boolean;

  constructor(message: string, loss: Loss, begun: boolean) {
    super(message);
    this.loss = loss;
    this.begun = begun;
  }
}

/** A process that does one request after the other, answers in their order, and can be killed inside any of them. It keeps this one alive only while it has something to do. */
export interface Child<Asked, Given> {
  /** Requests that it has not answered: the one that it works at, and what lies ready for it. */
  readonly pending: number;
  /** False once it has ended. */
  readonly alive: boolean;
  readonly pid: number | undefined;
  /** Resolves once it has ended, however that came. */
  readonly ended: Promise<void>;
  /** @throws Error as the child words it; ChildLost. */
  ask(request: Asked, limits?: Limits): Promise<Given>;
  /** Lets it finish what it does and end by itself. */
  end(): Promise<void>;
  /** Ends it at once, whatever it does. */
  kill(): void;
}

export interface ChildOptions {
  /** A module that calls `serveParent`. */
  readonly script: URL;
  /** What messages call it: `the inference process`. */
  readonly name: string;
  /** Absent: this process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

interface Pending {
  readonly limits: Limits;
  resolve(given: unknown): void;
  reject(error: Error): void;
}

const TICK_MS = 100;
/** The end of what it wrote, for messages. */
const KEPT_WORDS = 2_000;

/** Starts a child process. */
export function startChild<Asked, Given>({ script, name, environment }: ChildOptions): Child<Asked, Given> {
  const child = fork(script, {
    execArgv: [],
    serialization: 'advanced', // tensors as they are
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    ...(environment && { env: environment }),
  });
  const queue: Pending[] = [];
  let alive = true;
  let lastWords = '';
  let killedFor: 'time' | undefined;
  let stopWatch: (() => void) | undefined;
  const exit = new Promise<void>(resolve => {
    const finish = (why: string) => {
      if (!alive) return;
      alive = false;
      stopWatch?.();
      const loss = killedFor ?? (child.signalCode === EXCEEDED_SIGNAL ? 'memory' : 'died');
      const words = `${name} ${wordsFor(loss, queue[0]?.limits ?? {}, why)}`;
      queue.splice(0).forEach(({ reject }, place) => {
        reject(new ChildLost(words, loss, place === 0));
      });
      resolve();
    };
    child.once('error', thrown => finish(`did not start: ${thrown.message}`));
    child.once('close', (code, signal) => finish(`${ended(code, signal)}${tellingLine(lastWords)}`));
  });

  keepAlive(child, false);
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-KEPT_WORDS);
  });
  child.on('message', (reply: Reply) => {
    const asked = queue.shift();
    stopWatch?.();
    stopWatch = undefined;
    if (queue.length === 0) keepAlive(child, false);
    else watch();
    if ('failed' in reply) asked?.reject(new Error(reply.failed));
    else asked?.resolve(reply.given);
  });

  /** Watches the first in the queue. */
  function watch(): void {
    const { timeMs } = (queue[0] as Pending).limits;
    if (timeMs === undefined) return;
    stopWatch = afterRunning(timeMs, () => {
      killedFor = 'time';
      child.kill('SIGKILL');
    });
  }

  return {
    get pending() {
      return queue.length;
    },
    get alive() {
      return alive;
    },
    get pid() {
      return child.pid;
    },
    ended: exit,
    ask(request, limits = {}) {
      return new Promise<Given>((resolve, reject) => {
        if (!alive || killedFor) throw new ChildLost(`${name} has ended`, 'died', false);
        // A channel that broke is told by the end of the process; what cannot be sent throws, and is not waited for.
        child.send({ request, growBytes: limits.growBytes } satisfies Envelope, () => {});
        keepAlive(child, true);
        queue.push({ limits, resolve: resolve as Pending['resolve'], reject });
        if (queue.length === 1) watch();
      });
    },
    async end() {
      if (!alive) return;
      keepAlive(child, true);
      if (child.connected) child.send({ end: true } satisfies Envelope, () => {});
      await exit;
    },
    kill() {
      child.kill('SIGKILL');
    },
  };
}

/** Calls back after that long, not counting what this process stood still: a machine that slept, or a debugger, are no fault of the child's. */
function afterRunning(ms: number, act: () => void): () => void {
  let left = ms;
  let before = performance.now();
  const timer = setInterval(
    () => {
      const now = performance.now();
      left -= Math.min(now - before, 2 * TICK_MS);
      before = now;
      // A turn later: an answer that lies there already counts.
      if (left <= 0) setImmediate(() => timer.hasRef() && act());
    },
    Math.min(TICK_MS, ms),
  );
  return () => {
    clearInterval(timer);
    timer.unref();
  };
}

function keepAlive(child: ChildProcess, busy: boolean): void {
  const change = busy ? 'ref' : 'unref';
  child[change]();
  child.channel?.[change]();
  (child.stderr as { ref?(): void; unref?(): void } | null)?.[change]?.();
}

function wordsFor(loss: Loss, { timeMs, growBytes }: Limits, why: string): string {
  if (loss === 'time') return `did not answer within ${Math.round((timeMs ?? 0) / 100) / 10} s and was ended`;
  if (loss === 'memory') return `took more than ${Math.round((growBytes ?? 0) / 2 ** 20)} MB and was ended`;
  return why;
}

/** What the process, or native code in it, said of its end. */
function tellingLine(text: string): string {
  const lines = text.split('\n').filter(line => line.trim() !== '');
  const line = lines.find(words => /error|terminate|what\(\)|fatal/i.test(words)) ?? lines.at(-1);
  return line === undefined ? '' : `: ${line.trim()}`;
}
