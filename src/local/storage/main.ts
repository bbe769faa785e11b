import { mkdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import blobConfiguration from 'azurite/dist/src/blob/BlobConfiguration.js';
import blobServer from 'azurite/dist/src/blob/BlobServer.js';
import { configLogger } from 'azurite/dist/src/common/Logger.js';
import { AzuriteTelemetryClient } from 'azurite/dist/src/common/Telemetry.js';
import { answerWhenSaved } from './durable.ts';

const { default: BlobConfiguration } = blobConfiguration;
const { default: BlobServer } = blobServer;
const HOST = '127.0.0.1';
const ACCOUNT = 'devstoreaccount1';

/** Azurite's blob service on its own: STORAGE_PORT (10000; 0 takes a free one), data under LOCAL_DATA_DIR. */
async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const port = Number(environment.STORAGE_PORT || 10000);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new Error(`STORAGE_PORT=${environment.STORAGE_PORT}: a port number is needed`);
  }
  await refuseUsedPort(port); // before anything of the other one's data is opened
  const folder = resolve(environment.LOCAL_DATA_DIR || '.local', 'storage');
  mkdirSync(folder, { recursive: true });

  configLogger(false);
  AzuriteTelemetryClient.init(folder, false, undefined);
  const server = new BlobServer(
    new BlobConfiguration(
      HOST,
      port,
      5,
      join(folder, 'blobs.json'),
      join(folder, 'extents.json'),
      [{ locationId: 'Default', locationPath: join(folder, 'extents'), maxConcurrency: 50 }],
      false,
      undefined,
      false,
      undefined,
      true, // loose: ignores headers and parameters it does not know
      true, // accepts API versions newer than Azurite
    ),
  );
  answerWhenSaved(server);
  await server.start();
  const stop = () => {
    process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
    server.close().finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);

  const { port: listening } = server.httpServer.address() as AddressInfo;
  process.stdout.write(`ready http://${HOST}:${listening}/${ACCOUNT} (blob storage, data in ${folder})\n`);
}

function refuseUsedPort(port: number): Promise<void> {
  return new Promise((free, used) => {
    const probe = createServer().once('error', used);
    probe.listen(port, HOST, () => probe.close(() => free()));
  });
}

main(process.env).catch((error: NodeJS.ErrnoException) => {
  const port = process.env.STORAGE_PORT || 10000;
  const reason =
    error.code === 'EADDRINUSE'
      ? `port ${port} is in use: stop what listens there, or set STORAGE_PORT to another port`
      : (error.stack ?? error.message);
  process.stderr.write(`storage: ${reason}\n`);
  process.exit(1);
});
