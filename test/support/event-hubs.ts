import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, startService } from './service.ts';

export interface EventHubs {
  readonly connectionString: string;
  readonly port: number;
  readonly healthPort: number;
  readonly kafkaPort: number;
  readonly dataDir: string;
  /** The process as it runs now; another one after `restart`. */
  readonly process: Service;
  /** SIGTERM; the exit code. Its data goes too, unless they were given. */
  stop(): Promise<number | null>;
  /** SIGKILL; the data stays, for `restart`. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and data, after `kill`. */
  restart(): Promise<void>;
}

export interface EventHubsOptions {
  /** Content of an emulator's Config.json; absent: the contract's hubs. */
  readonly config?: unknown;
  /** Folder for data; absent: a fresh one. */
  readonly dataDir?: string;
  /** More environment, such as EVENTHUBS_RETENTION_HOURS. */
  readonly environment?: Record<string, string>;
}

/** The local Event Hubs endpoint in its own process, on free ports, from source. */
export async function startEventHubs(options: EventHubsOptions = {}): Promise<EventHubs> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'hubscore-eventhubs-'));
  const args: string[] = [];
  if (options.config !== undefined) {
    const path = join(dataDir, 'Config.json');
    writeFileSync(path, JSON.stringify(options.config));
    args.push('--config', path);
  }
  const start = (port: number, healthPort: number, kafkaPort: number) =>
    startService(
      'src/local/event-hubs/main.ts',
      {
        ...options.environment,
        EVENTHUBS_PORT: String(port),
        EVENTHUBS_HEALTH_PORT: String(healthPort),
        KAFKA_PORT: String(kafkaPort),
        LOCAL_DATA_DIR: dataDir,
      },
      undefined,
      args,
    );
  let service = await start(0, 0, 0);
  const port = portIn(/sb:\/\/localhost:(\d+)/, service.readyLine);
  const healthPort = portIn(/http:\/\/localhost:(\d+)/, service.readyLine);
  const kafkaPort = portIn(/Kafka localhost:(\d+)/, service.readyLine);
  return {
    connectionString: `Endpoint=sb://localhost:${port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;`,
    port,
    healthPort,
    kafkaPort,
    dataDir,
    get process() {
      return service;
    },
    async stop() {
      const code = await service.stop();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
      return code;
    },
    kill: () => service.kill(),
    async restart() {
      service = await start(port, healthPort, kafkaPort);
    },
  };
}

function portIn(pattern: RegExp, line: string): number {
  const port = pattern.exec(line)?.[1];
  if (!port) throw new Error(`no port in ${line}`);
  return Number(port);
}
