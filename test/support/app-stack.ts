import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { namespaceAddress } from '../../src/azure/namespace-address.ts';
import { run } from '../../src/cli/program.ts';
import { createAmqpConnection } from '../../src/hubs/amqp-connection.ts';
import type { SenderLink } from '../../src/hubs/sender-link.ts';
import { dataMessage } from './amqp-bytes.ts';
import { appFolder } from './app-folder.ts';
import { type EventHubs, startEventHubs } from './event-hubs.ts';
import { type FunctionsHost, startHost } from './functions-host.ts';
import { temporaryFolder } from './models.ts';
import { REQUESTS } from './scoring.ts';
import { type Storage, startStorage } from './storage.ts';

const DIABETES = resolve(import.meta.dirname, '../../samples/models/diabetes/1.0.0');
const SERVER_BUSY = 'com.microsoft:server-busy';
const FEATURES = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78];

/** Partitions of requests, results and dead letters. */
export type Partitions = readonly [requests: number, results: number, deadLetters: number];

/** What `hubscore verify` found, all partitions together. */
export interface Verified {
  readonly requests: number;
  readonly results: number;
  readonly deadLetters: number;
  readonly missing: number;
  readonly repeated: number;
  readonly outOfOrder: number;
}

/** hubscore as a whole: endpoint, storage with a model, and as many hosts as are started. */
export interface AppStack {
  readonly hubs: EventHubs;
  readonly storage: Storage;
  startHost(environment?: Readonly<Record<string, string>>): Promise<FunctionsHost>;
  /** Sends requests to a partition until they are taken. */
  send(count: number, partitionId: string, model?: string): Promise<void>;
  hubscore(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string }>;
  verify(): Promise<Verified>;
  /** Adds partitions to the hubs while they run. */
  grow(partitions: Partitions): void;
  stop(): Promise<void>;
}

export async function startAppStack(
  environment: Readonly<Record<string, string>> = {},
  partitions: Partitions = [4, 4, 4],
  settings: Readonly<Record<string, string>> = {},
): Promise<AppStack> {
  const app = appFolder();
  const cache = temporaryFolder();
  const hosts: FunctionsHost[] = [];
  const [hubs, storage]: [EventHubs, Storage] = await Promise.all([
    startEventHubs({ config: configOf(partitions), environment }),
    startStorage(),
  ]);
  const { connectionString } = hubs;
  const address = await namespaceAddress({ kind: 'connection-string', connectionString });
  // Tokens may be short-lived here: what sends renews its own in time.
  const claim = async (audience: string) => ({ ...(await address.claim(audience)), renewInMs: 500 });
  const connection = createAmqpConnection({ ...address, claim });
  const links = new Map<string, SenderLink>();
  let sent = 0;

  async function linkTo(partitionId: string): Promise<SenderLink> {
    const known = links.get(partitionId);
    if (known?.open) return known;
    const link = await connection.openSender(`${REQUESTS}/Partitions/${partitionId}`, new AbortController().signal);
    links.set(partitionId, link);
    return link;
  }

  async function hubscore(...args: readonly string[]) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    let out = '';
    for (const stream of [stdout, stderr])
      stream.setEncoding('utf8').on('data', text => {
        out += text;
      });
    const code = await run(args, {
      ...{ stdin: Readable.from([]), stdout, stderr, folder: cache.path, signal: AbortSignal.timeout(60_000) },
      environment: { EventHubs: connectionString, ModelStorage: storage.connectionString, ...settings },
    });
    return { code, out };
  }

  const pushed = await hubscore('models', 'push', DIABETES);
  if (pushed.code !== 0) throw new Error(pushed.out);
  return {
    hubs,
    storage,
    hubscore,
    async startHost(more = {}) {
      const host = await startHost({
        appDir: app.path,
        env: {
          EventHubs: connectionString,
          ModelStorage: storage.connectionString,
          AzureWebJobsStorage: storage.connectionString,
          MODEL_CACHE_DIR: cache.path,
          ...settings,
          ...more,
        },
      });
      hosts.push(host);
      return host;
    },
    async send(count, partitionId, model = 'diabetes') {
      const { sender } = await linkTo(partitionId);
      const sendOne = async (body: string): Promise<void> => {
        for (;;) {
          try {
            return void (await sender.send(dataMessage(body), { format: 0 }));
          } catch (error) {
            if ((error as { innerError?: { condition?: string } }).innerError?.condition !== SERVER_BUSY) throw error;
            await delay(250);
          }
        }
      };
      const bodies = Array.from({ length: count }, () =>
        JSON.stringify({ request_id: `r-${sent++}`, model, features: FEATURES }),
      );
      await Promise.all(bodies.map(sendOne));
    },
    async verify() {
      const { out } = await hubscore('verify', '--json');
      const rows = out.split('\n').filter(line => line.startsWith('{'));
      const verdicts = rows.map(line => JSON.parse(line)) as Record<string, number & { readonly count: number }>[];
      const sum = (name: string) =>
        verdicts.reduce((total, each) => total + Number(each[name]?.count ?? each[name]), 0);
      return {
        requests: sum('requests'),
        results: sum('results'),
        deadLetters: sum('deadLetters'),
        missing: sum('missing'),
        repeated: sum('repeated'),
        outOfOrder: sum('outOfOrder'),
      };
    },
    grow(wanted) {
      writeFileSync(join(hubs.dataDir, 'Config.json'), JSON.stringify(configOf(wanted)));
      process.kill(hubs.process.pid, 'SIGHUP');
    },
    async stop() {
      await connection.close();
      await Promise.all(hosts.map(host => host.stop()));
      await Promise.all([hubs.stop(), storage.stop()]);
      app.remove();
      cache.remove();
    },
  };
}

function configOf([requests, results, deadLetters]: Partitions) {
  const entity = (Name: string, PartitionCount: number, ...groups: string[]) => ({
    Name,
    PartitionCount,
    ConsumerGroups: groups.map(group => ({ Name: group })),
  });
  const Entities = [
    entity(REQUESTS, requests, 'inference-consumer', 'monitor', 'shadow'),
    entity('inference-requests-results', results, 'monitor'),
    entity('inference-dead-letter', deadLetters, 'monitor', 'replay'),
    entity('inference-labels', 2, 'monitor'),
  ];
  return { UserConfig: { NamespaceConfig: [{ Type: 'EventHub', Name: 'emulatorNs1', Entities }] } };
}
