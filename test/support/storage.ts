import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Service, startService } from './service.ts';

const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export interface Storage {
  readonly connectionString: string;
  readonly port: number;
  /** SIGTERM; its data goes too. */
  stop(): Promise<void>;
  /** SIGKILL; the data stays, for `restart`. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data, after `kill`. */
  restart(): Promise<void>;
}

/** Blob and queue storage (Azurite) in its own process, on free ports, with its own data. */
export async function startStorage(): Promise<Storage> {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-storage-'));
  const start = (port: number, queuePort: number) =>
    startService('src/local/storage/main.ts', {
      STORAGE_PORT: String(port),
      STORAGE_QUEUE_PORT: String(queuePort),
      LOCAL_DATA_DIR: folder,
    });
  let service: Service = await start(0, 0);
  const [port = 0, queuePort = 0] = [...service.readyLine.matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(match =>
    Number(match[1]),
  );
  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${KEY};BlobEndpoint=http://127.0.0.1:${port}/devstoreaccount1;QueueEndpoint=http://127.0.0.1:${queuePort}/devstoreaccount1;`,
    port,
    async stop() {
      await service.stop();
      rmSync(folder, { recursive: true, force: true });
    },
    kill: () => service.kill(),
    async restart() {
      service = await start(port, queuePort);
    },
  };
}
