import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { ListenError, type Listening, listen } from '../listen.ts';
import { type AppSettings, readAppSettings } from './app-settings.ts';
import { hostStorage } from './connections.ts';
import { installCoreApi } from './core-api.ts';
import { SetupError } from './errors.ts';
import { checkRhea } from './event-hubs/check-rhea.ts';
import { readHostJson } from './host-json.ts';
import { createHttpServer } from './http-trigger.ts';
import { createInvoke, type FunctionTimeoutError } from './invoke.ts';
import { loadApp } from './load-app.ts';
import { createLog, type HostLog } from './log.ts';
import type { HeldMessage, HeldMessages } from './queues/held-messages.ts';
import { RunningBatches } from './running-batches.ts';
import { takeConsole } from './take-console.ts';
import {
  httpFunctions,
  startEventHubs,
  startQueues,
  startTimers,
  type TriggerContext,
  triggerOf,
  warmUp,
} from './triggers.ts';
import type { Waits } from './waits.ts';

const VERSION = '4.1000.0'; // of the Functions host that is stood in for

export interface HostOptions {
  /** The function app: host.json, package.json, local.settings.json. */
  readonly folder: string;
  readonly environment: AppSettings;
  readonly waits: Waits;
  /** Where it is noted which batches run, for the worker after this one. */
  readonly runningFile: string;
  readonly write: (line: string, error: boolean) => void;
  /** A function ran out of its time: this process has to be replaced. */
  readonly onTimeout: (error: FunctionTimeoutError) => void;
  /** What functions write by the console goes into the log; for a process that is the host's alone. */
  readonly takesConsole?: boolean;
  readonly held: HeldMessages;
  /** Queue messages that the worker before this one died with. */
  readonly orphans: readonly HeldMessage[];
}

export interface RunningHost {
  /** One line for people: address and functions. */
  readonly summary: string;
  readonly log: HostLog;
  readonly timeoutMs: number;
  /** Drains: receives no more, waits for running functions, writes checkpoints. */
  stop(): Promise<void>;
  /** Writes checkpoints and waits for nothing else. */
  abandon(): Promise<void>;
}

/** Loads the function app in a folder and starts its triggers. @throws SetupError that says what is wrong. */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const { folder, environment, waits, runningFile, write, onTimeout, held, orphans, takesConsole } = options;
  checkRhea();
  const settings = readAppSettings(folder, environment);
  const hostJson = readHostJson(folder, settings);
  const storage = await hostStorage(settings);
  for (const [name, value] of Object.entries(settings)) process.env[name] ??= value; // the app reads its settings there
  const log = createLog(hostJson.logging.logLevel, write, Date.now);
  if (takesConsole) takeConsole(log);
  const registry = installCoreApi(VERSION, (level, category, message) => log(level, `Host.${category}`, message));
  const capabilities = await loadApp(folder, registry, log);

  const timeoutMs = hostJson.functionTimeout;
  const triggers = [...registry.functions]
    .filter(([name]) => settings[`AzureWebJobs.${name}.Disabled`]?.toLowerCase() !== 'true')
    .map(([name, registered]) => ({
      name,
      registered,
      binding: triggerOf(name, registered),
      invoke: createInvoke(name, registered, { registry, log, timeoutMs, onTimeout }),
    }));
  const stopping = new AbortController();
  const running = new RunningBatches(runningFile);
  const signal = stopping.signal;
  const context: TriggerContext = { settings, hostJson, waits, running, storage, log, held, signal };
  await warmUp(triggers);
  const functionsByHttp = httpFunctions(triggers, context);
  const underWay = new Set<Promise<void>>();
  const server = () => createHttpServer(functionsByHttp, capabilities.HttpUri, underWay, log);
  const http = await listenForHttp(server, settings);
  const timers = await startTimers(triggers, context);
  const processors = await startEventHubs(triggers, context);
  const queues = await startQueues(triggers, context, orphans);
  const functions = triggers.map(({ name, binding }) => `${name} (${binding.type})`).join(', ');

  return {
    summary: `http://localhost:${http.port} running ${functions || 'no function'}`,
    log,
    timeoutMs,
    async stop() {
      stopping.abort();
      http.close();
      const stopped = [...processors, ...queues].map(each => each.stop());
      await Promise.all([...stopped, ...timers, delay(waits.stopMs)]);
      await Promise.all(underWay);
      for (const hook of registry.hooks.appTerminate) await hook({ hookData: {}, appHookData: registry.appHookData });
    },
    async abandon() {
      stopping.abort();
      await Promise.all(processors.map(processor => processor.abandon()));
    },
  };
}

/** Keys are not asked for, so only this machine gets in unless a setting says otherwise. */
async function listenForHttp(create: () => Server, settings: AppSettings): Promise<Listening> {
  const port = Number(settings.FUNCTIONS_PORT || '7071');
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new SetupError(`FUNCTIONS_PORT=${settings.FUNCTIONS_PORT}: a port number is needed`);
  }
  try {
    return await listen(create, port, settings.FUNCTIONS_HOST || undefined, 'FUNCTIONS_PORT');
  } catch (error) {
    throw error instanceof ListenError ? new SetupError(error.message, { cause: error }) : error;
  }
}
