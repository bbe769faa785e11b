import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { appFolder } from '../support/app-folder.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { temporaryFolder } from '../support/models.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { RESULTS } from '../support/scoring.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const SAMPLES = resolve(import.meta.dirname, '../../samples/models');
const MODELS = ['diabetes/1.0.0', 'diabetes/1.1.0', 'churn/1.0.0'];

export interface StackOptions {
  readonly hosts: number;
  readonly redis: boolean;
  /** Glob of function files that the app consists of; absent: all of ours. */
  readonly functions?: string | undefined;
  readonly settings: Readonly<Record<string, string>>;
}

/** All of the local stack, in processes of its own on free ports. */
export interface Stack {
  readonly eventHubs: EventHubs;
  readonly storage: Storage;
  readonly models: ContainerClient;
  readonly redis: RedisServer | undefined;
  /** Between the hosts and the endpoint; faults strike the connections that results are sent by. */
  readonly proxy: FaultProxy;
  readonly hosts: number;
  /** Process groups of the hosts. */
  readonly groups: readonly number[];
  /** SIGKILL to a host and its workers; gives what starts another in its place. */
  killHost(index: number): Promise<() => Promise<void>>;
  /** SIGSTOP to a host and its workers; gives what lets them go on. */
  freezeHost(index: number): () => void;
  /** What all hosts have said so far, the dead ones included. */
  log(): string;
  /** SIGTERM to the hosts; exit codes. */
  drain(): Promise<(number | null)[]>;
  close(): Promise<void>;
}

export async function startStack({ hosts, redis, functions, settings }: StackOptions): Promise<Stack> {
  const app = appFolder(functions);
  const cache = temporaryFolder();
  const [eventHubs, storage, redisServer] = await Promise.all([
    startEventHubs(),
    startStorage(),
    redis ? startRedis() : undefined,
  ]);
  const proxy = await startFaultProxy(eventHubs.port, `${RESULTS}/Partitions/`);
  const models = BlobServiceClient.fromConnectionString(storage.connectionString).getContainerClient('models');
  await models.createIfNotExists();
  for (const version of MODELS) {
    for (const file of ['model.json', 'model.onnx'])
      await models.getBlockBlobClient(`${version}/${file}`).uploadFile(join(SAMPLES, version, file));
  }
  const start = () =>
    startHost({
      appDir: app.path,
      env: {
        EventHubs: eventHubs.connectionString.replace(`:${eventHubs.port};`, `:${proxy.port};`),
        AzureWebJobsStorage: storage.connectionString,
        ModelStorage: storage.connectionString,
        MODEL_CACHE_DIR: cache.path,
        MODEL_REFRESH_SECONDS: '1',
        ...(redisServer && { REDIS_URL: redisServer.url }),
        ...settings,
      },
    });
  const running: FunctionsHost[] = await Promise.all(Array.from({ length: hosts }, start));
  let ended = '';

  return {
    eventHubs,
    storage,
    models,
    redis: redisServer,
    proxy,
    hosts,
    get groups() {
      return running.map(({ pid }) => pid);
    },
    async killHost(index) {
      const host = running[index] as FunctionsHost;
      await host.kill();
      return async () => {
        ended += host.log();
        running[index] = await start();
      };
    },
    freezeHost(index) {
      const { pid } = running[index] as FunctionsHost;
      process.kill(-pid, 'SIGSTOP');
      return () => void process.kill(-pid, 'SIGCONT');
    },
    log: () => ended + running.map(host => host.log()).join(''),
    drain: () => Promise.all(running.map(host => host.stop())),
    async close() {
      await Promise.all(running.map(host => host.kill()));
      await proxy.close();
      await Promise.all([eventHubs.stop(), storage.stop(), redisServer?.kill()]);
      for (const folder of [app, cache]) folder.remove();
    },
  };
}

/** A model's file as the samples have it. */
export function sampleFile(version: string): Buffer {
  return readFileSync(join(SAMPLES, version, 'model.onnx'));
}
