import type { WarmUpPlan } from '../../core/backend.ts';
import { asError } from '../../core/errors.ts';
import type { LoadSource, OpenedModel } from '../../core/loader.ts';
import type { Log } from '../../core/log.ts';
import { type RemoteCard, remoteOf } from '../../core/remote-card.ts';
import { type Breaker, createBreaker } from '../../core/retry-policies.ts';
import type { Signature, Tensors } from '../../core/tensor.ts';
import { createMicroBatcher } from '../micro-batcher.ts';
import { checkHost } from './allowed-address.ts';
import { createServer, type Server, ServerAway } from './call.ts';
import { type DeclaredInput, declaredInputs } from './declared-inputs.ts';
import { mlflow } from './mlflow-client.ts';
import { openInference } from './open-inference-client.ts';
import type { RemoteProtocol } from './protocol.ts';
import { createRemoteBackend } from './remote-backend.ts';

export interface RemoteOptions {
  /** REMOTE_HOSTS */
  readonly hosts: readonly string[];
  /** BREAKER_FAILURES and BREAKER_RESET_SECONDS */
  readonly breaker: { readonly failures: number; readonly resetMs: number };
  /** REMOTE_TOKENS, by name */
  readonly tokens: Readonly<Record<string, string>>;
  /** A token of the app's identity. */
  readonly tokenFor: (scope: string, signal: AbortSignal) => Promise<string>;
  readonly log: Log;
}

/** Rows of a slice where neither the card says nor the server refuses. */
const USUAL_ROWS = 64;

/** Opens a model that a server has. @param breakers one a server, by its host; those that lack are made */
export async function openRemote(
  source: LoadSource,
  options: RemoteOptions,
  breakers: Map<string, Breaker>,
): Promise<OpenedModel> {
  const remote = remoteIn(source);
  const url = new URL(remote.url);
  try {
    checkHost(url, options.hosts);
  } catch (thrown) {
    throw new Error(`${source.title}: backend.url: ${asError(thrown).message}`, { cause: thrown });
  }
  const server = createServer(url, remote.timeout_seconds * 1000, tokenOf(source, remote, options));
  try {
    return await open(source, remote, server, breakerOf(url.host, options, breakers));
  } catch (thrown) {
    server.close();
    if (thrown instanceof ServerAway) throw new ServerAway(`${source.title}: ${thrown.message}`, { cause: thrown });
    throw new Error(`${source.title}: ${asError(thrown).message}`, { cause: thrown });
  }
}

function breakerOf(host: string, { breaker: limits, log }: RemoteOptions, breakers: Map<string, Breaker>): Breaker {
  let breaker = breakers.get(host);
  if (breaker === undefined) {
    breaker = createBreaker({ name: `server ${host}`, ...limits, log }, error => error instanceof ServerAway);
    breakers.set(host, breaker);
  }
  return breaker;
}

function remoteIn({ title, card }: LoadSource): RemoteCard {
  try {
    return remoteOf(card) as RemoteCard;
  } catch (thrown) {
    throw new Error(`${title}: ${asError(thrown).message}`, { cause: thrown });
  }
}

/** @throws Error where the card names a token that there is none of */
function tokenOf({ title }: LoadSource, { token: name, scope }: RemoteCard, { tokens, tokenFor }: RemoteOptions) {
  if (scope !== undefined) return (signal: AbortSignal) => tokenFor(scope, signal);
  if (name === undefined) return undefined;
  if (!Object.hasOwn(tokens, name)) throw new Error(`${title}: backend.token: REMOTE_TOKENS has none called ${name}`);
  return () => tokens[name] as string;
}

async function open(source: LoadSource, remote: RemoteCard, server: Server, breaker: Breaker): Promise<OpenedModel> {
  const { card, title, wishes } = source;
  const signal = AbortSignal.timeout(remote.timeout_seconds * 1000 * (remote.retries + 2));
  const { protocol, found } = await describe(card, remote, server, signal);
  // By a slice that it is to answer it shows what it gives: servers say little of that, or what is not so.
  const first = source.plan(withOutputs(found, card), undefined);
  const { rows, warmUpMs, outputs } = await tryRows(protocol, first, signal);
  const signature = { ...found, outputs: specsOf(outputs) };
  source.plan(signature, undefined);
  const info = { signature, placement: 'remote', warmUpMs, memoryBytes: 0, maxBatchSize: rows } as const;
  const { kind, retries, max_concurrent: runs } = remote;
  const backend = createRemoteBackend({ title, kind, server, protocol, breaker, retries, info });
  const batched = createMicroBatcher(backend, {
    runs,
    ahead: 0,
    maxQueueDelayMs: wishes.maxQueueDelayMs ?? 0,
  });
  return { backend: batched, producer: `${kind} at ${server.title}`, opsets: new Map() };
}

async function describe(card: LoadSource['card'], remote: RemoteCard, server: Server, signal: AbortSignal) {
  if (remote.kind === 'mlflow') {
    const protocol = mlflow(server, declaredInputs(card));
    return { protocol, found: await protocol.describe(signal) };
  }
  const model = remote.model ?? String(card.name ?? '');
  if (model === '') throw new Error('backend.model: expected what the server calls the model');
  const protocol = openInference(server, model, remote.version);
  const found = await protocol.describe(signal);
  if (found.inputs.length > 0) return { protocol, found };
  const declared: readonly DeclaredInput[] = declaredInputs(card, 'input');
  return { protocol, found: { ...found, inputs: declared.map(({ spec }) => spec) } };
}

/** What the card says of the outputs, where the server says nothing: it is held against what comes. */
function withOutputs(signature: Signature, { outputs }: LoadSource['card']): Signature {
  const { label, probabilities, value } = (outputs ?? {}) as Readonly<Record<string, unknown>>;
  const named = [label, probabilities, value].filter(name => typeof name === 'string');
  const missing = named.filter(name => !signature.outputs.some(output => output.name === name));
  if (missing.length === 0) return signature;
  const more = missing.map(name => ({ name, type: name === label ? 'string' : 'float64', dims: [null] }) as const);
  return { ...signature, outputs: [...signature.outputs, ...more] };
}

/** The largest slice that the server takes, by halves. @throws Error of one row where it takes not even that. */
async function tryRows(protocol: RemoteProtocol, plan: WarmUpPlan, signal: AbortSignal) {
  for (let rows = plan.maxBatchSize ?? USUAL_ROWS; ; rows = plan.fixedBatch ? 1 : rows >>> 1) {
    const inputs = plan.inputs(rows);
    try {
      await protocol.infer(inputs, signal); // the first takes longer
      const start = performance.now();
      const outputs = await protocol.infer(inputs, signal);
      return { rows, outputs, warmUpMs: performance.now() - start };
    } catch (thrown) {
      if (thrown instanceof ServerAway || rows <= 1 || plan.fixedBatch || signal.aborted) throw thrown;
    }
  }
}

function specsOf(outputs: Tensors): Signature['outputs'] {
  return Object.entries(outputs).map(([name, { type, dims }]) => ({ name, type, dims: [null, ...dims.slice(1)] }));
}
