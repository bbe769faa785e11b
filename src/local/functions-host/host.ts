import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ContainerClient } from '@azure/storage-blob';
import { type AppSettings, readAppSettings, resolveExpressions } from './app-settings.ts';
import { eventHubsConnection, hostStorage } from './connections.ts';
import { installCoreApi, type RegisteredFunction } from './core-api.ts';
import { parseSchedule, type Schedule } from './cron.ts';
import { SetupError } from './errors.ts';
import { toEventHubBinding } from './event-hubs/binding.ts';
import { startEventHubTrigger } from './event-hubs/event-hub-trigger.ts';
import type { HubProcessor } from './event-hubs/hub-processor.ts';
import { createOwnerId } from './event-hubs/owner.ts';
import { readHostJson } from './host-json.ts';
import { createHttpServer, type HttpFunction } from './http-trigger.ts';
import { createInvoke, type FunctionTimeoutError, type Invoke } from './invoke.ts';
import { loadApp } from './load-app.ts';
import { createLog, type HostLog, messageOf } from './log.ts';
import { toRetryPolicy } from './retry.ts';
import { parseRoute } from './routes.ts';
import type { Binding } from './rpc.ts';
import { runTimer } from './timer-trigger.ts';

const VERSION = '4.1000.0'; // of the Functions host that is stood in for
const CHECKPOINT_CONTAINER = 'azure-webjobs-eventhub';
const TIMER_CONTAINER = 'azure-webjobs-hosts';

export interface HostOptions {
  /** The function app: host.json, package.json, local.settings.json. */
  readonly folder: string;
  readonly environment: AppSettings;
  readonly write: (line: string, error: boolean) => void;
  /** A function ran out of its time: this process has to be replaced. */
  readonly onTimeout: (error: FunctionTimeoutError) => void;
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

interface Trigger {
  readonly name: string;
  readonly binding: Binding;
  readonly registered: RegisteredFunction;
  readonly invoke: Invoke;
}

/** Loads the function app in a folder and starts its triggers. @throws SetupError that says what is wrong. */
export async function startHost({ folder, environment, write, onTimeout }: HostOptions): Promise<RunningHost> {
  const settings = readAppSettings(folder, environment);
  const hostJson = readHostJson(folder, settings);
  const storage = await hostStorage(settings);
  for (const [name, value] of Object.entries(settings)) process.env[name] ??= value; // the app reads its settings there
  const log = createLog(hostJson.logging.logLevel, write, Date.now);
  const registry = installCoreApi(VERSION, (level, category, message) => log(level, `Host.${category}`, message));
  const capabilities = await loadApp(folder, registry, log);

  const invoker = { registry, log, timeoutMs: hostJson.functionTimeout, onTimeout };
  const triggers = [...registry.functions]
    .filter(([name]) => settings[`AzureWebJobs.${name}.Disabled`]?.toLowerCase() !== 'true')
    .map(([name, registered]): Trigger => {
      const binding = Object.values(registered.metadata.bindings).find(({ type }) => /trigger$/i.test(type));
      if (!binding) throw new SetupError(`function ${name} has no trigger`);
      return { name, binding, registered, invoke: createInvoke(name, registered, invoker) };
    });
  const unknown = triggers.find(
    ({ binding }) => !['eventhubtrigger', 'httptrigger', 'timertrigger'].includes(kind(binding)),
  );
  if (unknown) {
    throw new SetupError(
      `function ${unknown.name}: the local host knows Event Hubs, HTTP and timer triggers, not ${unknown.binding.type}; "func start" does`,
    );
  }

  const stopping = new AbortController();
  const server = createHttpServer(
    httpFunctions(triggers, hostJson.extensions.http.routePrefix),
    capabilities.HttpUri,
    log,
  );
  const port = await listen(server, Number(settings.FUNCTIONS_PORT || 7071));
  const timers = await startTimers();
  const processors = await startEventHubs();
  log(
    'information',
    'Host',
    `${triggers.length} functions: ${triggers.map(({ name, binding }) => `${name} (${binding.type})`).join(', ')}`,
  );

  async function startTimers(): Promise<Promise<void>[]> {
    const found = triggers.filter(({ binding }) => kind(binding) === 'timertrigger');
    if (found.length === 0) return [];
    const container = await openContainer(storage.getContainerClient(TIMER_CONTAINER), log, stopping.signal);
    return found.map(({ name, binding, invoke }) => {
      const schedule = toSchedule(name, binding, settings);
      return runTimer(
        {
          functionName: name,
          schedule,
          runOnStartup: binding.runOnStartup === true,
          container,
          blobName: `timers/hubscore-local/${name}/status`,
          invoke,
          log,
          clock: Date.now,
        },
        stopping.signal,
      ).catch(error => log('error', `Function.${name}`, `its timer ended: ${messageOf(error)}`));
    });
  }

  async function startEventHubs(): Promise<HubProcessor[]> {
    const found = triggers.filter(({ binding }) => kind(binding) === 'eventhubtrigger');
    if (found.length === 0) return [];
    const container = await openContainer(storage.getContainerClient(CHECKPOINT_CONTAINER), log, stopping.signal);
    return Promise.all(
      found.map(async ({ name, binding: raw, registered, invoke }) => {
        const binding = toEventHubBinding(name, raw, settings);
        return startEventHubTrigger(
          {
            functionName: name,
            binding,
            connection: await eventHubsConnection(binding.connection, settings),
            hostOptions: hostJson.extensions.eventHubs,
            container,
            ownerId: createOwnerId(),
            retry: toRetryPolicy(registered.metadata.retryOptions),
            invoke,
            log,
            clock: Date.now,
            random: Math.random,
          },
          stopping.signal,
        );
      }),
    );
  }

  return {
    summary: `http://localhost:${port} (${triggers.map(({ name }) => name).join(', ')})`,
    log,
    timeoutMs: hostJson.functionTimeout,
    async stop() {
      stopping.abort();
      server.close();
      server.closeIdleConnections();
      await Promise.all([...processors.map(processor => processor.stop()), ...timers]);
      for (const hook of registry.hooks.appTerminate) await hook({ hookData: {}, appHookData: registry.appHookData });
    },
    async abandon() {
      stopping.abort();
      await Promise.all(processors.map(processor => processor.abandon()));
    },
  };
}

function kind(binding: Binding): string {
  return binding.type.toLowerCase();
}

function toSchedule(name: string, { schedule }: Binding, settings: AppSettings): Schedule {
  if (typeof schedule !== 'string') throw new SetupError(`schedule of function ${name} is missing`);
  try {
    return parseSchedule(resolveExpressions(schedule, settings, `schedule of function ${name}`));
  } catch (error) {
    throw new SetupError(`function ${name}: ${messageOf(error)}`);
  }
}

function httpFunctions(triggers: readonly Trigger[], prefix: string): HttpFunction[] {
  return triggers
    .filter(({ binding }) => kind(binding) === 'httptrigger')
    .map(({ name, binding, invoke }) => ({
      route: parseRoute(
        name,
        String(binding.route ?? name),
        (binding.methods as string[] | undefined) ?? ['GET', 'POST'],
        prefix,
      ),
      invoke,
    }));
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message = `port ${port} is in use: stop what listens there, or set FUNCTIONS_PORT to another port`;
      reject(error.code === 'EADDRINUSE' ? new SetupError(message) : error);
    });
    server.listen(port, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Makes a container, waiting for storage where it does not answer yet. */
async function openContainer(container: ContainerClient, log: HostLog, signal: AbortSignal): Promise<ContainerClient> {
  for (let attempt = 0; ; attempt++) {
    try {
      await container.createIfNotExists();
      return container;
    } catch (error) {
      const status = (error as { statusCode?: number }).statusCode;
      if (signal.aborted || status === 401 || status === 403) {
        throw new SetupError(`AzureWebJobsStorage: container ${container.containerName}: ${messageOf(error)}`);
      }
      if (attempt === 0)
        log('warning', 'Host.Storage', `${container.url} does not answer (${messageOf(error)}); trying until it does`);
      await new Promise(again => setTimeout(again, 500));
    }
  }
}
