import type { Backend, BackendInfo, BackendStatus, PredictOptions } from '../../core/backend.ts';
import { InfrastructureError, RequestError } from '../../core/errors.ts';
import type { Breaker } from '../../core/retry-policies.ts';
import { createRetry } from '../../core/retry-policies.ts';
import type { Tensors } from '../../core/tensor.ts';
import { type Server, ServerAway, ServerRefused } from './call.ts';
import type { RemoteProtocol } from './protocol.ts';

export interface RemoteBackendOptions {
  /** What messages call the model: `churn/2.1.3/model.json`. */
  readonly title: string;
  readonly kind: string;
  readonly server: Server;
  readonly protocol: RemoteProtocol;
  /** Of this server, shared by all models that it has. */
  readonly breaker: Breaker;
  readonly retries: number;
  readonly info: BackendInfo;
}

const NEVER = new AbortController().signal;
const INTERNAL_ERROR = 500;

/**
 * A model that a server has. While that is away requests end as `model_unavailable`, at once where the breaker is open, so that the card's fallback answers them;
 * a slice that the server itself refuses fails by itself, and is halved as any other.
 */
export function createRemoteBackend(options: RemoteBackendOptions): Backend {
  const { title, kind, server, protocol, breaker, info } = options;
  const retry = createRetry({ retries: options.retries, initialDelayMs: 100, maxDelayMs: 2_000 });
  let lastFailure: string | undefined;

  async function ask(inputs: Tensors, signal: AbortSignal): Promise<Tensors> {
    try {
      return await protocol.infer(inputs, signal);
    } catch (thrown) {
      if (!(thrown instanceof ServerRefused) || thrown.status !== INTERNAL_ERROR) throw thrown;
      // Servers say 500 of an instance that their model fails on, and of themselves: whether they are there tells which.
      await protocol.isReady(signal).catch(cause => {
        throw cause instanceof ServerRefused ? new ServerAway(cause.message, { cause: thrown }) : cause;
      });
      throw thrown;
    }
  }

  return {
    info,
    get status(): BackendStatus {
      const { state } = breaker;
      const away = state === 'closed' ? undefined : lastFailure;
      return { kind, at: server.title, state: state === 'closed' ? 'up' : 'away', ...(away && { reason: away }) };
    },
    load: async () => info,
    async predict(inputs, { signal = NEVER }: PredictOptions = {}) {
      try {
        const outputs = await breaker.execute(() => retry.execute(() => ask(inputs, signal)));
        checkRows(inputs, outputs);
        return outputs;
      } catch (thrown) {
        signal.throwIfAborted();
        if (!(thrown instanceof ServerAway || thrown instanceof InfrastructureError)) throw thrown;
        if (thrown instanceof ServerAway) lastFailure = thrown.message;
        throw new RequestError('model_unavailable', 'infer', `${title}: ${thrown.message}`, { cause: thrown });
      }
    },
    async close() {
      server.close();
    },
  };
}

/** Whoever answers another number of rows answers nobody knows whom. @throws Error */
function checkRows(inputs: Tensors, outputs: Tensors): void {
  const rows = Object.values(inputs)[0]?.dims[0];
  for (const [name, { dims }] of Object.entries(outputs)) {
    if (dims[0] !== rows) throw new Error(`output ${name} has ${dims[0] ?? 'no'} rows; ${rows} were sent`);
  }
}
