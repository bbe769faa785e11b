import { randomUUID } from 'node:crypto';
import { LATE, within } from '../waiting.ts';
import type { RegisteredFunction, Registry } from './core-api.ts';
import { describeError, type HostLog } from './log.ts';
import type {
  CoreInvocationContext,
  InvocationRequest,
  InvocationResponse,
  LogLevel,
  RetryContext,
  TypedData,
} from './rpc.ts';

/** What a trigger gives a function. */
export interface Call {
  /** The trigger binding's data. */
  readonly input: TypedData;
  readonly triggerMetadata?: Record<string, TypedData>;
  /** Trigger metadata that the library need not convert: handed to the context as it is. */
  readonly contextMetadata?: Record<string, unknown>;
  readonly retryContext?: RetryContext | undefined;
  readonly invocationId?: string;
}

/** A function ran longer than host.json's `functionTimeout`; it cannot be stopped, so its worker has to end. */
export class FunctionTimeoutError extends Error {
  override readonly name = 'FunctionTimeoutError';
}

export type Invoke = (call: Call) => Promise<InvocationResponse>;

export interface InvokerOptions {
  readonly registry: Registry;
  readonly log: HostLog;
  /** Infinity for none. */
  readonly timeoutMs: number;
  /** Told of every time-out, after which the worker is to be replaced. */
  readonly onTimeout: (error: FunctionTimeoutError) => void;
}

/**
 * A function as something to call: builds the library's invocation model, runs hooks around the handler, logs a
 * failure and rethrows it.
 */
export function createInvoke(name: string, registered: RegisteredFunction, options: InvokerOptions): Invoke {
  const { registry, log, timeoutMs, onTimeout } = options;
  const category = `Function.${name}`;
  const { metadata, callback } = registered;
  const trigger = Object.entries(metadata.bindings).find(([, { type }]) => /trigger$/i.test(type));
  if (!trigger) throw new Error(`function ${name} has no trigger`);

  async function run(call: Call, core: CoreInvocationContext): Promise<InvocationResponse> {
    if (!registry.model) throw new Error('no programming model is set');
    const model = await registry.model.getInvocationModel(core);
    const { context, inputs } = await model.getArguments();
    if (call.contextMetadata) context.triggerMetadata = call.contextMetadata;
    const shared = { hookData: {}, appHookData: registry.appHookData, invocationContext: context };
    const before = { ...shared, functionCallback: callback, inputs };
    core.state = 'preInvocationHooks';
    for (const hook of registry.hooks.preInvocation) await hook(before);
    const after = { ...shared, inputs: before.inputs, result: null as unknown, error: null as unknown };
    core.state = 'invocation';
    try {
      after.result = await model.invokeFunction(context, before.inputs, before.functionCallback);
    } catch (error) {
      after.error = error ?? new Error(`the function threw ${error}`);
    }
    core.state = 'postInvocationHooks';
    for (const hook of registry.hooks.postInvocation) await hook(after);
    core.state = undefined;
    if (after.error !== null && after.error !== undefined) throw after.error;
    return await model.getResponse(context, after.result);
  }

  return async call => {
    const invocationId = call.invocationId ?? randomUUID();
    const request: InvocationRequest = {
      invocationId,
      inputData: [{ name: trigger[0], data: call.input }],
      triggerMetadata: call.triggerMetadata ?? {},
      retryContext: call.retryContext,
      traceContext: { traceParent: '', traceState: '', attributes: {} }, // as without Application Insights
    };
    const core: CoreInvocationContext = {
      invocationId,
      request,
      metadata,
      log(level, logCategory, message) {
        logWithHooks(registry, log, level, logCategory === 'user' ? `${category}.User` : category, message);
      },
    };
    const startedAt = performance.now();
    try {
      const running = run(call, core);
      if (!Number.isFinite(timeoutMs)) return await running;
      const response = await within(running, timeoutMs);
      if (response !== LATE) return response;
      throw new FunctionTimeoutError(`${name} ran longer than functionTimeout (${timeoutMs} ms)`);
    } catch (error) {
      const took = (performance.now() - startedAt).toFixed(0);
      log('error', category, `failed after ${took} ms (invocation ${invocationId}): ${describeError(error)}`);
      if (error instanceof FunctionTimeoutError) onTimeout(error);
      throw error;
    } finally {
      log('debug', category, `invocation ${invocationId} took ${(performance.now() - startedAt).toFixed(1)} ms`);
    }
  };
}

function logWithHooks(registry: Registry, log: HostLog, level: LogLevel, category: string, message: string): void {
  const line = {
    hookData: {},
    appHookData: registry.appHookData,
    level,
    message,
    category: category.endsWith('.User') ? 'user' : 'system',
  };
  for (const hook of registry.hooks.log) {
    try {
      hook(line);
    } catch {
      // A log hook that fails must not fail the function that logs.
    }
  }
  log(line.level, category, line.message);
}
