/** Batch jobs in the local stack: what a row costs from Blob Storage to Blob Storage, how a job of many chunks is finished, and what the stream beside one feels. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlobServiceClient } from '@azure/storage-blob';
import { type BatchStack, startBatchStack } from '../test/support/batch-stack.ts';
import { writeRows } from './batch.ts';
import { round3 } from './harness.ts';
import { openStream } from './stream.ts';

const ROOT = resolve(import.meta.dirname, '..');
const MIB = 1024 * 1024;
const load = () => ({ 'load of the machine, 5 minutes': round3(loadavg()[1] as number) });

async function withRows<T>(rows: number, work: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  try {
    const path = join(folder, 'in.csv');
    await writeRows(path, rows);
    return await work(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Ended {
  readonly id: string;
  readonly state: string;
  readonly chunks: number;
  readonly error: unknown;
  readonly progress: { readonly rows: number };
  readonly history: readonly { readonly state: string; readonly at: string }[];
}

const secondsFrom = ({ history }: Ended, from: string, to: string) => {
  const at = (state: string) => Date.parse(history.findLast(each => each.state === state)?.at ?? '');
  return round3((at(to) - at(from)) / 1000);
};

const OPTIONS = ['--model', 'diabetes', '--id-column', 'user_id'];

async function job(stack: BatchStack, output: string, chunkBytes: number): Promise<Ended> {
  const place = ['in.csv', output].map(name => `lake/${name}`) as [string, string];
  const words = ['batch', 'submit', place[0], '--output', place[1], '--chunk-bytes', String(chunkBytes), ...OPTIONS];
  const { id } = await stack.asked(...words);
  const ended = (await stack.ended(id, 900_000)) as unknown as Ended;
  if (ended.state !== 'succeeded') throw new Error(JSON.stringify(ended.error));
  return ended;
}

/** Chunks of 16 MiB, one after the other in one process, as an instance does them: reading, scoring, hashing, staging. */
export async function measureBlobToBlob(rows: number) {
  return withRows(rows, async path => {
    const stack = await startBatchStack();
    try {
      await stack.lake.getBlockBlobClient('in.csv').uploadStream(createReadStream(path), 8 * MIB, 2);
      const script = join(import.meta.dirname, 'batch-chunks.ts');
      const environment = { ...process.env, STORAGE: stack.storage.connectionString, ROWS: String(rows) };
      const child = spawn(process.execPath, [script], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.on('data', text => {
        said += text;
      });
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`${script} ended with ${code}`);
      return { rows, ...load(), ...(JSON.parse(said) as object) };
    } finally {
      await stack.stop();
    }
  });
}

/** A job of so many chunks: as a whole, and its finish alone, from the last record to the end of its clean-up. */
export async function measureFinish(chunks: number) {
  const rows = 250 * chunks;
  return withRows(rows, async path => {
    const stack = await startBatchStack();
    try {
      await stack.lake.getBlockBlobClient('in.csv').uploadFile(path);
      const { contentLength = 0 } = await stack.lake.getBlobClient('in.csv').getProperties();
      await stack.startHost();
      const ended = await job(stack, 'out.csv', Math.ceil(contentLength / chunks) + 1);
      return {
        ...{ rows, chunks: ended.chunks, ...load() },
        'whole job, s': secondsFrom(ended, 'running', 'succeeded'),
        'commit, s': secondsFrom(ended, 'committing', 'reporting'),
        'report and list of rejects, s': secondsFrom(ended, 'reporting', 'archiving'),
        'clean-up, s': secondsFrom(ended, 'archiving', 'succeeded'),
      };
    } finally {
      await stack.stop();
    }
  });
}

/** Latencies of the stream by one instance, without a job and while one runs from before the first request to behind the last. */
export async function measureBeside(rate: number, seconds: number) {
  return withRows(1_000_000, async path => {
    const stream = await openStream('diabetes', '1.0.0');
    try {
      const lake = BlobServiceClient.fromConnectionString(stream.storage.connectionString).getContainerClient('lake');
      await lake.create();
      for (let part = 0; part < 8; part++)
        await lake.getBlockBlobClient(`in/${part}.csv`).uploadStream(createReadStream(path), 8 * MIB, 2);
      await stream.host();
      const alone = await stream.openLoop(rate, seconds);
      let over = false;
      let jobs = 0;
      const working = (async () => {
        for (; !over; jobs++) await runJob(stream.storage.connectionString, `out/${jobs}.csv`);
      })();
      await sleep(3000);
      const beside = await stream.openLoop(rate, seconds);
      over = true;
      await working;
      return { ...load(), 'alone, ms': alone, 'beside a job, ms': beside, 'jobs of 8,000,000 rows': jobs };
    } finally {
      await stream.close();
    }
  });
}

/** By the command, in a process of its own: this one measures. */
async function runJob(storage: string, output: string): Promise<void> {
  const words = ['batch', 'submit', 'lake/in/', '--output', `lake/${output}`, ...OPTIONS, '--wait', '--json'];
  const environment = { ...process.env, ModelStorage: storage, AzureWebJobsStorage: storage };
  const child = spawn(process.execPath, [join(ROOT, 'bin/hubscore.js'), ...words], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`a job beside the stream ended with ${code}`);
}
