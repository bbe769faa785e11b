import { resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { run } from '../../src/cli/program.ts';
import { appFolder } from './app-folder.ts';
import { type FunctionsHost, startHost } from './functions-host.ts';
import { temporaryFolder } from './models.ts';
import { type Storage, startStorage } from './storage.ts';

const DIABETES = resolve(import.meta.dirname, '../../samples/models/diabetes/1.0.0');
const ENDED = ['succeeded', 'failed', 'cancelled'];

export interface JobView {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly message: string } | null;
  readonly attempt: number;
  readonly chunks: number;
  readonly steps: readonly { readonly name: string; readonly state: string }[];
  readonly progress: { readonly rows: number; readonly rejected: number; readonly chunks: number };
}

/** Storage with a model, the functions that score batch jobs, and the commands; no hub. */
export interface BatchStack {
  readonly storage: Storage;
  readonly lake: ContainerClient;
  readonly jobs: ContainerClient;
  startHost(environment?: Readonly<Record<string, string>>): Promise<FunctionsHost>;
  hubscore(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  /** The JSON that a command gives; a code other than 0 is a failure. */
  asked<T = JobView>(...args: readonly string[]): Promise<T>;
  put(path: string, content: string | Buffer): Promise<string>;
  /** Undefined where nothing is there. */
  read(path: string): Promise<string | undefined>;
  ended(id: string, withinMs?: number): Promise<JobView>;
  stop(): Promise<void>;
}

export async function startBatchStack(): Promise<BatchStack> {
  const app = appFolder();
  const cache = temporaryFolder();
  const storage = await startStorage();
  const service = BlobServiceClient.fromConnectionString(storage.connectionString);
  const lake = service.getContainerClient('lake');
  await lake.create();
  const hosts: FunctionsHost[] = [];
  const environment = {
    ModelStorage: storage.connectionString,
    AzureWebJobsStorage: storage.connectionString,
    MODEL_CACHE_DIR: cache.path,
  };

  async function hubscore(...args: readonly string[]) {
    const said = { out: '', err: '' };
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    stdout.setEncoding('utf8').on('data', text => {
      said.out += text;
    });
    stderr.setEncoding('utf8').on('data', text => {
      said.err += text;
    });
    const world = { stdin: Readable.from([]), stdout, stderr, folder: cache.path, environment };
    const code = await run(args, { ...world, signal: AbortSignal.timeout(120_000) });
    return { code, ...said };
  }
  async function asked<T = JobView>(...args: readonly string[]): Promise<T> {
    const { code, out, err } = await hubscore(...args, '--json');
    if (code !== 0) throw new Error(`hubscore ${args.join(' ')}: exit ${code}: ${err}`);
    return JSON.parse(out);
  }

  const pushed = await hubscore('models', 'push', DIABETES, '--profile', resolve(DIABETES, '../train.csv'));
  if (pushed.code !== 0) throw new Error(pushed.err);
  return {
    storage,
    lake,
    jobs: service.getContainerClient('batch'),
    hubscore,
    asked,
    async startHost(more = {}) {
      const host = await startHost({
        appDir: app.path,
        env: {
          ...environment,
          'AzureWebJobs.score-requests.Disabled': 'true',
          'AzureWebJobs.fill-holes.Disabled': 'true',
          // What a killed host held comes again soon.
          QUEUE_HIDDEN_SECONDS: '2',
          AzureFunctionsJobHost__extensions__queues__maxPollingInterval: '00:00:00.5',
          ...more,
        },
      });
      hosts.push(host);
      return host;
    },
    async put(path, content) {
      const body = Buffer.from(content);
      await lake.getBlockBlobClient(path).upload(body, body.length);
      return `lake/${path}`;
    },
    async read(path) {
      const blob = lake.getBlobClient(path);
      return (await blob.exists()) ? String(await blob.downloadToBuffer()) : undefined;
    },
    async ended(id, withinMs = 180_000) {
      for (const deadline = performance.now() + withinMs; ; ) {
        const job = await asked('batch', 'status', id);
        if (ENDED.includes(job.state)) return job;
        if (performance.now() > deadline)
          throw new Error(`job ${id} is ${job.state}: ${hosts.at(-1)?.log().slice(-2000)}`);
        await setTimeout(300);
      }
    },
    async stop() {
      await Promise.all(hosts.map(host => host.stop()));
      await storage.stop();
      app.remove();
      cache.remove();
    },
  };
}

const NAMES = ['age', 'sex', 'bmi', 'bp', 's1', 's2', 's3', 's4', 's5', 's6'];
const PLAIN = [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6347, 78];
const NOTES = ['', 'plain', '"a, comma"', '"two\nlines"', `"${['', ...Array(4).fill('1,2,3'), ''].join('\n')}"`];

/** A CSV for the diabetes model, its columns in another order than the card's; every `bad`-th row cannot be scored. */
export function diabetesCsv(rows: number, bad = 0, notes: readonly string[] = NOTES): string {
  const lines = [`note,${NAMES.toReversed().join(',')},id`];
  for (let i = 0; i < rows; i++) {
    const values = PLAIN.map((value, k) => (bad > 0 && i % bad === bad - 1 && k === 3 ? 'x' : value + (i % 97) / 97));
    lines.push(`${notes[i % notes.length]},${values.toReversed().join(',')},row-${i}`);
  }
  return `${lines.join('\n')}\n`;
}
