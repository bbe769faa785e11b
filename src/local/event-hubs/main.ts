import { createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { ListenError, type Listening, listen } from '../listen.ts';
import { checkRhea } from './amqp/check-rhea.ts';
import { ConfigError } from './config-error.ts';
import { createHealthServer } from './health.ts';
import { DEFAULT_HUBS, readHubConfig } from './hub-config.ts';
import { KafkaServer } from './kafka/server.ts';
import { Namespace } from './namespace.ts';
import type { AmqpServer } from './server.ts';
import { type EndpointSettings, readSettings } from './settings.ts';
import { lockFolder } from './store/data-lock.ts';

const RETENTION_EVERY_MS = 60_000;
/** What clients have to read the last frames before the process ends. */
const FAREWELL_MS = 100;

const warn = (message: string) => process.stderr.write(`event hubs: ${message}\n`);

async function main(): Promise<void> {
  checkRhea();
  const { AmqpServer } = await import('./server.ts'); // takes hold of rhea's private parts as it is loaded
  const settings = readSettings(process.env, process.argv.slice(2));
  const hubs = settings.config ? readHubConfig(settings.config) : DEFAULT_HUBS;
  const folder = resolve(join(settings.LOCAL_DATA_DIR, 'event-hubs'));
  const unlock = lockFolder(folder);
  const namespace = new Namespace(hubs, {
    folder,
    segmentBytes: settings.EVENTHUBS_SEGMENT_MB * 1024 * 1024,
    fsync: settings.EVENTHUBS_FSYNC,
    clock: Date.now,
    warn,
  });
  const retain = () => {
    const olderThanMs = Date.now() - settings.EVENTHUBS_RETENTION_HOURS * 3_600_000;
    namespace.retain(olderThanMs, settings.EVENTHUBS_RETENTION_MB * 1024 * 1024);
  };
  retain();
  setInterval(retain, RETENTION_EVERY_MS).unref();

  const server = new AmqpServer({
    namespace,
    clock: Date.now,
    warn,
    eventsPerSecond: settings.EVENTHUBS_EVENTS_PER_SECOND,
    tokenMs: settings.EVENTHUBS_TOKEN_SECONDS * 1000,
    idleMs: settings.EVENTHUBS_IDLE_SECONDS * 1000,
  });
  const kafkaServer = new KafkaServer({ namespace, folder, clock: Date.now, warn });
  const listening = await listenAll(server, kafkaServer, settings);
  const [amqp, health, kafka] = listening;
  const stop = () => {
    for (const { close } of listening) close();
    server.close();
    kafkaServer.close();
    namespace.close();
    unlock();
    setTimeout(() => process.exit(0), FAREWELL_MS);
  };
  const { config } = settings;
  if (config) process.on('SIGHUP', () => grow(namespace, config));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const names = [...namespace.hubs].map(hub => `${hub.name} (${hub.partitions.length})`).join(', ');
  process.stdout.write(
    `ready sb://localhost:${amqp.port} serving ${names}; data in ${folder}; health http://localhost:${health.port}/health; Kafka localhost:${kafka.port}\n`,
  );
}

/** Reads the configuration anew and adds the partitions that hubs have more of there, as Premium namespaces do while they run. */
function grow(namespace: Namespace, config: string): void {
  try {
    for (const hub of readHubConfig(config)) namespace.grow(hub.name, hub.partitionCount);
  } catch (error) {
    warn(error instanceof ConfigError ? error.message : String((error as Error).stack));
  }
}

function listenAll(
  server: AmqpServer,
  kafka: KafkaServer,
  settings: EndpointSettings,
): Promise<[Listening, Listening, Listening]> {
  const { EVENTHUBS_HOST: host, EVENTHUBS_PORT, EVENTHUBS_HEALTH_PORT, KAFKA_PORT } = settings;
  const socketServer = (accept: (socket: Socket) => void) => () =>
    createServer(socket => {
      socket.setNoDelay(true); // with Nagle a request and its answer take 44 ms
      accept(socket);
    });
  const onStream = server.accept.bind(server);
  return Promise.all([
    listen(socketServer(onStream), EVENTHUBS_PORT, host, 'EVENTHUBS_PORT'),
    listen(() => createHealthServer(onStream), EVENTHUBS_HEALTH_PORT, host, 'EVENTHUBS_HEALTH_PORT'),
    listen(socketServer(kafka.accept.bind(kafka)), KAFKA_PORT, host, 'KAFKA_PORT'),
  ]);
}

main().catch((error: Error) => {
  const isKnown = error instanceof ConfigError || error instanceof ListenError;
  warn(isKnown ? error.message : String(error.stack));
  process.exit(1);
});
