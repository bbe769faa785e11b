import type { EventHubProducerClient } from '@azure/event-hubs';
import type { Settings } from '../../config/settings.ts';
import { connectProducer } from '../event-hubs.ts';
import { type Check, type Finding, fail, failure, ok, warn } from './check.ts';
import { tryReceiving } from './try-receiving.ts';

type Purpose = 'requests' | 'results' | 'dead letters' | 'labels';

interface Hub {
  readonly purpose: Purpose;
  readonly name: string;
  readonly setting: string;
  /** Undefined where it could not be read. */
  readonly partitions: number | undefined;
  readonly error: unknown;
}

/** Hubs, consumer groups and roles, each by trying it. Nothing is sent, no checkpoint is written. */
export function checkEventHubs(settings: Settings): readonly Check[] {
  let looking: Promise<readonly Hub[]> | undefined;
  const look = (signal: AbortSignal) => {
    looking ??= describeHubs(settings, signal);
    return looking;
  };
  const found = async (signal: AbortSignal) => (await look(signal)).filter(hub => hub.partitions !== undefined);
  return [
    { name: 'hubs', run: async signal => judgeHubs(await look(signal)) },
    {
      name: 'consumer groups',
      run: async signal =>
        (await Promise.all((await found(signal)).map(hub => judgeGroups(hub, settings, signal)))).flat(),
    },
    {
      name: 'sending',
      run: async signal => {
        const receivers = (await found(signal)).filter(({ purpose }) => purpose !== 'labels');
        return Promise.all(receivers.map(hub => judgeSending(hub, settings, signal)));
      },
    },
  ];
}

async function describeHubs(settings: Settings, signal: AbortSignal): Promise<readonly Hub[]> {
  const hubs = [
    { purpose: 'requests', setting: 'REQUESTS_HUB' },
    { purpose: 'results', setting: 'RESULTS_HUB' },
    { purpose: 'dead letters', setting: 'DEAD_LETTER_HUB' },
    { purpose: 'labels', setting: 'LABELS_HUB' },
  ] as const;
  return Promise.all(
    hubs.map(async ({ purpose, setting }): Promise<Hub> => {
      const hub = { purpose, setting, name: settings[setting] };
      try {
        return await withProducer(settings, hub.name, async producer => {
          const { partitionIds } = await producer.getEventHubProperties({ abortSignal: signal });
          return { ...hub, partitions: partitionIds.length, error: undefined };
        });
      } catch (error) {
        return { ...hub, partitions: undefined, error };
      }
    }),
  );
}

function judgeHubs(hubs: readonly Hub[]): Finding[] {
  const [first] = hubs;
  if (
    first &&
    hubs.every(({ error }) => error !== undefined && codeOf(error) === codeOf(first.error)) &&
    !isMissing(first.error)
  ) {
    return [failure('the namespace cannot be read', first.error)];
  }
  const requests = hubs.find(({ purpose }) => purpose === 'requests')?.partitions;
  return hubs.map(({ purpose, name, setting, partitions, error }) => {
    const optional = purpose === 'labels';
    if (partitions === undefined) {
      if (!isMissing(error)) return failure(`hub ${name} cannot be read`, error, optional ? 'warn' : 'fail');
      const fix = `Create it${optional ? '' : `, with ${requests ?? 'as many'} partitions${requests ? '' : ' as the requests hub'}`}, or set ${setting} to its name.`;
      return optional
        ? warn(`hub ${name} (${purpose}) is not there; ground truth cannot come in`, fix)
        : fail(`hub ${name} (${purpose}) is not there`, fix);
    }
    const mirrored = purpose === 'results' || purpose === 'dead letters';
    if (mirrored && requests !== undefined && partitions !== requests) {
      return fail(
        `hub ${name} (${purpose}) has ${partitions} partitions, the requests hub ${requests}: partition p answers partition p, so they must be as many`,
        `Create a hub with ${requests} partitions and set ${setting} to its name (partitions can be added later on Premium only).`,
      );
    }
    return ok(`hub ${name} (${purpose}) has ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`);
  });
}

/** Groups of the contract beside the app's own: what is lost where they are missing. */
const OTHERS: Readonly<Record<Purpose, Readonly<Record<string, string>>>> = {
  requests: { monitor: 'monitoring', shadow: 'shadow tests' },
  results: { monitor: 'monitoring' },
  'dead letters': { monitor: 'monitoring', replay: 'replaying dead letters' },
  labels: { monitor: 'comparing predictions with the truth' },
};

async function judgeGroups({ purpose, name }: Hub, settings: Settings, signal: AbortSignal): Promise<Finding[]> {
  const own = purpose === 'requests' ? [settings.CONSUMER_GROUP] : [];
  const recovery = purpose === 'labels' ? [] : settings.RECOVERY_CONSUMER_GROUPS;
  const groups = [...new Set([...own, ...recovery, ...Object.keys(OTHERS[purpose])])];
  const tried = await Promise.all(
    groups.map(async group => ({ group, ...(await tryReceiving(settings, name, group, signal)) })),
  );
  const findings = tried.map(({ group, state, error }): Finding => {
    const where = `consumer group ${group} of ${name}`;
    if (state === 'free') return ok(`${where} can be read`);
    if (state === 'in use') return ok(`${where} is there, and read by others now`);
    if (!isMissing(error)) return failure(`${where} cannot be read`, error);
    const fix = `Create consumer group ${group} on hub ${name}.`;
    if (own.includes(group))
      return fail(`${where} is not there: the app reads requests by it`, `${fix.slice(0, -1)}, or set CONSUMER_GROUP.`);
    return warn(`${where} is not there; it serves ${OTHERS[purpose][group] ?? 'recovery after crashes'}`, fix);
  });
  const recovers = tried.some(({ group, state }) => recovery.includes(group) && state !== 'refused');
  if (recovery.length > 0 && !recovers) {
    findings.push(
      fail(
        `none of the consumer groups ${recovery.join(', ')} of ${name} can be read: the app cannot see how far it got before a crash`,
        'Create one of them, or name another in RECOVERY_CONSUMER_GROUPS.',
      ),
    );
  }
  return findings;
}

/** Opens the link that a sender needs, which asks for the right to send, and sends nothing. */
async function judgeSending({ purpose, name }: Hub, settings: Settings, signal: AbortSignal): Promise<Finding> {
  try {
    await withProducer(settings, name, producer => producer.createBatch({ abortSignal: signal }));
    return ok(`${purpose} may be sent to ${name}`);
  } catch (thrown) {
    if (purpose !== 'requests') return failure(`${purpose} cannot be sent to ${name}`, thrown);
    return failure(`requests cannot be sent to ${name} (only producers need that)`, thrown, 'warn');
  }
}

async function withProducer<T>(
  settings: Settings,
  hub: string,
  use: (producer: EventHubProducerClient) => Promise<T>,
): Promise<T> {
  const producer = await connectProducer(settings, hub);
  try {
    return await use(producer);
  } finally {
    await producer.close();
  }
}

const codeOf = (error: unknown) => (error as { code?: unknown } | undefined)?.code;
const isMissing = (error: unknown) => codeOf(error) === 'MessagingEntityNotFoundError';
