import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { ConfigError, DEFAULT_HUBS, readHubConfig } from './hub-config.ts';
import { listen } from './listen.ts';
import { Namespace } from './namespace.ts';
import { AmqpServer } from './server.ts';
import { readSettings } from './settings.ts';

const warn = (message: string) => process.stderr.write(`event hubs: ${message}\n`);

async function main(): Promise<void> {
  const settings = readSettings(process.env, process.argv.slice(2));
  const hubs = settings.config ? readHubConfig(settings.config) : DEFAULT_HUBS;
  const namespace = new Namespace(hubs, {
    folder: resolve(join(settings.LOCAL_DATA_DIR, 'event-hubs')),
    segmentBytes: settings.EVENTHUBS_SEGMENT_MB * 1024 * 1024,
    fsync: settings.EVENTHUBS_FSYNC,
    clock: Date.now,
    warn,
  });
  const server = new AmqpServer({ namespace, clock: Date.now, warn });
  const onSocket = (socket: Socket) => {
    socket.setNoDelay(true); // with Nagle a request and its answer take 44 ms
    server.accept(socket);
  };
  const amqp = await listen(
    () => createServer(onSocket),
    settings.EVENTHUBS_PORT,
    settings.EVENTHUBS_HOST,
    'EVENTHUBS_PORT',
  );
  const health = await listen(
    () =>
      createHttpServer((request, response) => {
        const isHealth = request.url === '/health';
        response.writeHead(isHealth ? 200 : 404, { 'content-type': 'application/json' });
        response.end(isHealth ? '{"status":"healthy","message":"Service is healthy."}' : '{}');
      }),
    settings.EVENTHUBS_HEALTH_PORT,
    settings.EVENTHUBS_HOST,
    'EVENTHUBS_HEALTH_PORT',
  );
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`ready sb://localhost:${amqp.port} (health http://localhost:${health.port}/health)\n`);

  function stop(): void {
    amqp.close();
    health.close();
    server.close();
    namespace.close();
    setTimeout(() => process.exit(0), 200);
  }
}

main().catch((error: Error) => {
  warn(error instanceof ConfigError ? error.message : String(error.stack));
  process.exit(1);
});
