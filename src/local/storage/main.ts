import { mkdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import blobConfiguration from 'azurite/dist/src/blob/BlobConfiguration.js';
import blobServer from 'azurite/dist/src/blob/BlobServer.js';
import { configLogger } from 'azurite/dist/src/common/Logger.js';
import { AzuriteTelemetryClient } from 'azurite/dist/src/common/Telemetry.js';
import queueConfiguration from 'azurite/dist/src/queue/QueueConfiguration.js';
import queueServer from 'azurite/dist/src/queue/QueueServer.js';
import { answerWhenSaved } from './durable.ts';

const { default: BlobConfiguration } = blobConfiguration;
const { default: BlobServer } = blobServer;
const { default: QueueConfiguration } = queueConfiguration;
const { default: QueueServer } = queueServer;
const HOST = '127.0.0.1';
const ACCOUNT = 'devstoreaccount1';

/**
 * Azurite's blob service on STORAGE_PORT (10000) and its queue service on STORAGE_QUEUE_PORT (10001), data under LOCAL_DATA_DIR. 0 takes a
 * free port; who takes one for blobs gets one for queues, unless told otherwise.
 */
async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const port = readPort(environment, 'STORAGE_PORT', 10000);
  const queuePort = readPort(environment, 'STORAGE_QUEUE_PORT', port === 0 ? 0 : 10001);
  // Before anything of the other one's data is opened.
  await refuseUsedPort(port, 'STORAGE_PORT');
  await refuseUsedPort(queuePort, 'STORAGE_QUEUE_PORT');
  const folder = resolve(environment.LOCAL_DATA_DIR || '.local', 'storage');
  mkdirSync(folder, { recursive: true });

  configLogger(false);
  AzuriteTelemetryClient.init(folder, false, undefined);
  const store = (name: string) => [{ locationId: 'Default', locationPath: join(folder, name), maxConcurrency: 50 }];
  const blobs = new BlobServer(
    new BlobConfiguration(
      HOST,
      port,
      5,
      join(folder, 'blobs.json'),
      join(folder, 'extents.json'),
      store('extents'),
      false,
      undefined,
      false,
      undefined,
      true, // loose: ignores headers and parameters it does not know
      true, // accepts API versions newer than Azurite
    ),
  );
  const queues = new QueueServer(
    new QueueConfiguration(
      HOST,
      queuePort,
      5,
      join(folder, 'queues.json'),
      join(folder, 'queue-extents.json'),
      store('queue-extents'),
      false,
      undefined,
      false,
      undefined,
      true,
      true,
    ),
  );
  for (const server of [blobs, queues]) {
    answerWhenSaved(server);
    await server.start();
  }
  const stop = () => {
    process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
    Promise.allSettled([blobs.close(), queues.close()]).finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);

  const addressOf = ({ httpServer }: typeof blobs | typeof queues) =>
    `http://${HOST}:${(httpServer.address() as AddressInfo).port}/${ACCOUNT}`;
  process.stdout.write(`ready ${addressOf(blobs)} (blob storage, data in ${folder}), ${addressOf(queues)} (queues)\n`);
}

function readPort(environment: NodeJS.ProcessEnv, setting: string, usual: number): number {
  const port = Number(environment[setting] || usual);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new Error(`${setting}=${environment[setting]}: a port number is needed`);
}

function refuseUsedPort(port: number, setting: string): Promise<void> {
  return new Promise((free, used) => {
    const probe = createServer().once('error', (error: NodeJS.ErrnoException) => {
      const inUse = `port ${port} is in use: stop what listens there, or set ${setting} to another port`;
      used(error.code === 'EADDRINUSE' ? new InUse(inUse) : error);
    });
    probe.listen(port, HOST, () => probe.close(() => free()));
  });
}

class InUse extends Error {}

main(process.env).catch((error: Error) => {
  process.stderr.write(`storage: ${error instanceof InUse ? error.message : (error.stack ?? error.message)}\n`);
  process.exit(1);
});
