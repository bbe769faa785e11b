import { createRequire } from 'node:module';
import type { FunctionCallback, FunctionMetadata, LogLevel, ProgrammingModel } from './rpc.ts';

export type HookName = 'preInvocation' | 'postInvocation' | 'log' | 'appStart' | 'appTerminate';
const HOOKS: readonly string[] = [
  'preInvocation',
  'postInvocation',
  'log',
  'appStart',
  'appTerminate',
] satisfies HookName[];
export type Hook = (context: object) => unknown;

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

/** What an app has registered while its files were loaded. */
export interface Registry {
  readonly functions: Map<string, RegisteredFunction>;
  readonly hooks: Record<HookName, Hook[]>;
  /** Data that all hooks of the app share. */
  readonly appHookData: Record<string, unknown>;
  model: ProgrammingModel | undefined;
  /** Set when start-up is over: nothing may be registered any more. */
  sealed: boolean;
}

type ModuleLoad = (request: string, ...rest: unknown[]) => unknown;

/**
 * Answers `require('@azure/functions-core')`, the module that exists only inside the Functions worker, for every copy of
 * @azure/functions that the app loads. To be called before the app is: the library looks it up once and for ever.
 */
export function installCoreApi(
  version: string,
  log: (level: LogLevel, category: string, message: string) => void,
): Registry {
  const registry: Registry = {
    functions: new Map(),
    hooks: { preInvocation: [], postInvocation: [], log: [], appStart: [], appTerminate: [] },
    appHookData: {},
    model: undefined,
    sealed: false,
  };
  const coreApi = {
    version,
    hostVersion: version,
    setProgrammingModel(model: ProgrammingModel) {
      registry.model = model;
    },
    getProgrammingModel: () => registry.model,
    registerFunction(metadata: FunctionMetadata, callback: FunctionCallback) {
      if (registry.sealed) throw new Error('A function can only be registered during app startup.');
      if (registry.functions.has(metadata.name)) throw new Error(`two functions are named "${metadata.name}"`);
      registry.functions.set(metadata.name, { metadata, callback });
      return new Disposable(() => registry.functions.delete(metadata.name));
    },
    registerHook(name: string, hook: Hook) {
      if (!HOOKS.includes(name)) throw new RangeError(`Unrecognized hook "${name}"`);
      const hooks = registry.hooks[name as HookName];
      hooks.push(hook);
      return new Disposable(() => hooks.splice(hooks.indexOf(hook), 1));
    },
    log,
    Disposable,
  };
  const loader = createRequire(import.meta.url)('node:module') as { _load: ModuleLoad };
  const load = loader._load;
  loader._load = function (this: unknown, request, ...rest) {
    return request === '@azure/functions-core' ? coreApi : load.call(this, request, ...rest);
  };
  return registry;
}

class Disposable {
  readonly #dispose: () => void;

  constructor(dispose: () => void) {
    this.#dispose = dispose;
  }

  static from(...disposables: readonly { dispose(): void }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }

  dispose(): void {
    this.#dispose();
  }
}
