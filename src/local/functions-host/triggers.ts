import type { BlobServiceClient } from '@azure/storage-blob';
import { type AppSettings, resolveExpressions } from './app-settings.ts';
import { eventHubsConnection, openContainer, queueService } from './connections.ts';
import type { RegisteredFunction } from './core-api.ts';
import { parseSchedule, type Schedule } from './cron.ts';
import { SetupError } from './errors.ts';
import { toEventHubBinding } from './event-hubs/binding.ts';
import { startEventHubTrigger } from './event-hubs/event-hub-trigger.ts';
import type { HubProcessor } from './event-hubs/hub-processor.ts';
import { createOwnerId } from './event-hubs/owner.ts';
import type { HostJson } from './host-json.ts';
import type { HttpFunction } from './http-trigger.ts';
import type { Invoke } from './invoke.ts';
import { type HostLog, messageOf } from './log.ts';
import { toQueueBinding } from './queues/binding.ts';
import type { HeldMessage, HeldMessages } from './queues/held-messages.ts';
import { type RunningQueue, startQueueTrigger } from './queues/queue-trigger.ts';
import { toRetryPolicy } from './retry.ts';
import { parseRoute } from './routes.ts';
import type { Binding } from './rpc.ts';
import type { RunningBatches } from './running-batches.ts';
import { runTimer } from './timer-trigger.ts';
import type { Waits } from './waits.ts';

const CHECKPOINT_CONTAINER = 'azure-webjobs-eventhub';
const TIMER_CONTAINER = 'azure-webjobs-hosts';
const BINDINGS = ['eventhubtrigger', 'httptrigger', 'timertrigger', 'queuetrigger', 'warmuptrigger', 'http'];

/** A function and what triggers it. */
export interface Trigger {
  readonly name: string;
  readonly binding: Binding;
  readonly registered: RegisteredFunction;
  readonly invoke: Invoke;
}

/** What triggers are started with. */
export interface TriggerContext {
  readonly settings: AppSettings;
  readonly hostJson: HostJson;
  readonly waits: Waits;
  readonly running: RunningBatches;
  readonly storage: BlobServiceClient;
  readonly log: HostLog;
  /** Who knows which messages this worker holds. */
  readonly held: HeldMessages;
  /** Aborted when the host stops. */
  readonly signal: AbortSignal;
}

/** @throws SetupError where a function has a binding that only the real host knows. */
export function triggerOf(name: string, { metadata }: RegisteredFunction): Binding {
  const bindings = Object.values(metadata.bindings);
  const unknown = bindings.find(binding => !BINDINGS.includes(kind(binding)));
  if (unknown) {
    throw new SetupError(
      `function ${name} has a binding of type ${unknown.type}; the local host knows eventHubTrigger, httpTrigger, queueTrigger, timerTrigger, warmupTrigger and HTTP answers. "func start" knows the rest`,
    );
  }
  const trigger = bindings.find(({ type }) => /trigger$/i.test(type));
  if (!trigger) throw new SetupError(`function ${name} has no trigger`);
  return trigger;
}

/** Calls the functions that want to be warm before anything else comes; what goes wrong there is logged, and holds nothing up. */
export async function warmUp(triggers: readonly Trigger[]): Promise<void> {
  const calls = only(triggers, 'warmuptrigger').map(({ invoke }) => invoke({ input: { json: '{}' } }));
  await Promise.allSettled(calls);
}

/** The functions that HTTP requests reach, with their routes. */
export function httpFunctions(triggers: readonly Trigger[], { hostJson }: TriggerContext): HttpFunction[] {
  const prefix = hostJson.extensions.http.routePrefix;
  return only(triggers, 'httptrigger').map(({ name, binding, invoke }) => {
    const methods = Array.isArray(binding.methods) ? binding.methods.map(String) : ['GET', 'POST'];
    return { route: parseRoute(name, String(binding.route ?? name), methods, prefix), invoke };
  });
}

/** Starts all timers. @returns for each what resolves once it has ended. */
export async function startTimers(triggers: readonly Trigger[], context: TriggerContext): Promise<Promise<void>[]> {
  const { settings, storage, log, signal } = context;
  const timers = only(triggers, 'timertrigger');
  if (timers.length === 0) return [];
  const container = await openContainer(storage.getContainerClient(TIMER_CONTAINER), log, signal);
  return timers.map(({ name, binding, invoke }) => {
    const schedule = toSchedule(name, binding, settings);
    const runOnStartup = binding.runOnStartup === true;
    const blobName = `timers/hubscore-local/${name}/status`;
    const options = { functionName: name, schedule, runOnStartup, container, blobName, invoke, log, clock: Date.now };
    return runTimer(options, signal).catch(error =>
      log('error', `Function.${name}`, `its timer ended: ${messageOf(error)}`),
    );
  });
}

/** Starts all Event Hubs triggers; resolves when all read. */
export async function startEventHubs(triggers: readonly Trigger[], context: TriggerContext): Promise<HubProcessor[]> {
  const { settings, hostJson, storage, log, signal, waits, running } = context;
  const found = only(triggers, 'eventhubtrigger');
  if (found.length === 0) return [];
  const container = await openContainer(storage.getContainerClient(CHECKPOINT_CONTAINER), log, signal);
  return Promise.all(
    found.map(async ({ name, binding: raw, registered, invoke }) => {
      const binding = toEventHubBinding(name, raw, settings);
      const options = {
        functionName: name,
        binding,
        connection: await eventHubsConnection(binding.connection, settings),
        hostOptions: hostJson.extensions.eventHubs,
        waits,
        running,
        container,
        ownerId: createOwnerId(),
        retry: toRetryPolicy(registered.metadata.retryOptions),
        invoke,
        log,
        clock: Date.now,
        random: Math.random,
      };
      return startEventHubTrigger(options, signal);
    }),
  );
}

/** Ten minutes under the real host; here what a killed host held should not lie idle that long. */
const HIDDEN_SECONDS = 30;

/**
 * Starts all queue triggers. One whose connection has no queue service is told of and does not run, as under the real host: the others do.
 * @param orphans messages that the worker before this one died with; they are shown again first
 */
export async function startQueues(
  triggers: readonly Trigger[],
  { settings, hostJson, log, held }: TriggerContext,
  orphans: readonly HeldMessage[],
): Promise<RunningQueue[]> {
  await Promise.all(orphans.map(orphan => letGo(orphan, settings, log)));
  const hiddenMs = Number(settings.QUEUE_HIDDEN_SECONDS || HIDDEN_SECONDS) * 1000;
  if (!(hiddenMs >= 1000)) {
    throw new SetupError(`QUEUE_HIDDEN_SECONDS=${settings.QUEUE_HIDDEN_SECONDS}: seconds, 1 or more, are needed`);
  }
  const starting = only(triggers, 'queuetrigger').map(async ({ name, binding: raw, invoke }) => {
    const binding = toQueueBinding(name, raw, settings);
    try {
      const service = await queueService(binding.connection, settings);
      const queue = service.getQueueClient(binding.queueName);
      const poison = service.getQueueClient(`${binding.queueName}-poison`);
      const hostOptions = hostJson.extensions.queues;
      return [
        startQueueTrigger({ functionName: name, binding, queue, poison, hostOptions, hiddenMs, held, invoke, log }),
      ];
    } catch (error) {
      log('error', `Function.${name}`, `its trigger does not run: ${messageOf(error)}`);
      return [];
    }
  });
  return (await Promise.all(starting)).flat();
}

async function letGo(orphan: HeldMessage, settings: AppSettings, log: HostLog): Promise<void> {
  try {
    const queue = (await queueService(orphan.connection, settings)).getQueueClient(orphan.queue);
    await queue.updateMessage(orphan.id, orphan.popReceipt, undefined, 0);
  } catch (error) {
    log(
      'warning',
      'Host.Queues',
      `message ${orphan.id} of ${orphan.queue} stays hidden for a while: ${messageOf(error)}`,
    );
  }
}

function only(triggers: readonly Trigger[], type: string): Trigger[] {
  return triggers.filter(({ binding }) => kind(binding) === type);
}

function kind({ type }: Binding): string {
  return type.toLowerCase();
}

function toSchedule(name: string, { schedule }: Binding, settings: AppSettings): Schedule {
  if (typeof schedule !== 'string') throw new SetupError(`schedule of function ${name} is missing`);
  const text = resolveExpressions(schedule, settings, `schedule of function ${name}`);
  try {
    return parseSchedule(text);
  } catch (error) {
    throw new SetupError(`function ${name}: ${messageOf(error)}`);
  }
}
