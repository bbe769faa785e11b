/** How long after a rollback was written the candidate still answers, with several instances under traffic. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openReader } from '../src/app/open-events.ts';
import { createBlobs } from '../src/azure/blobs.ts';
import { parseDocument } from '../src/rollouts/document.ts';
import { type AppStack, startAppStack } from '../test/support/app-stack.ts';
import { RESULTS } from '../test/support/scoring.ts';
import { median } from './harness.ts';

const CANDIDATE = resolve(import.meta.dirname, '../samples/models/diabetes/1.1.0');
const PARTITIONS = 6;
const LEAD_SECONDS = 3;
/** Requests a partition, and how often. */
const [BURST, EVERY_MS] = [5, 100];
/** Longer than any instance may take to see it. */
const WATCHED_MS = 10_000;
const never = new AbortController().signal;

/** @param instances that share the partitions, each checking `deployment.json` every `DEPLOYMENT_CHECK_SECONDS` (5) */
export async function measureRollback(instances = 3, rounds = 5) {
  const settings = { ROLLOUT_LEAD_SECONDS: String(LEAD_SECONDS), SWEEP_SCHEDULE: '*/15 * * * * *' };
  const stack = await startAppStack({}, [PARTITIONS, PARTITIONS, PARTITIONS], settings);
  const sending = new AbortController();
  try {
    await succeed(stack, 'models', 'push', CANDIDATE, '--candidate');
    for (let i = 0; i < instances; i++) await stack.startHost();
    const traffic = send(stack, sending.signal);
    const lastMs: number[] = [];
    for (let round = 0; round < rounds; round++) lastMs.push(...(await rollBack(stack)));
    sending.abort();
    await traffic;
    return {
      instances,
      partitions: PARTITIONS,
      rounds,
      'requests a second': (PARTITIONS * BURST * 1000) / EVERY_MS,
      'last answer of the candidate after the rollback was written, ms: median': median(lastMs),
      worst: Math.max(...lastMs),
    };
  } finally {
    sending.abort();
    await stack.stop();
  }
}

async function send(stack: AppStack, signal: AbortSignal): Promise<void> {
  const partitions = Array.from({ length: PARTITIONS }, (_, i) => String(i));
  while (!signal.aborted) {
    await Promise.all(partitions.map(partition => stack.send(BURST, partition)));
    await sleep(EVERY_MS);
  }
}

/** Starts a canary, lets it answer everywhere, takes it back. @returns a partition: how long after that its last answer was scored, milliseconds; 0: none was */
async function rollBack(stack: AppStack): Promise<readonly number[]> {
  const models = createBlobs({ kind: 'connection-string', connectionString: stack.storage.connectionString }, 'models');
  const document = async () => {
    const { text } = await models.readText('diabetes/deployment.json', never);
    return parseDocument(text, 'deployment.json');
  };
  await succeed(
    stack,
    'rollout',
    'start',
    'diabetes',
    '1.1.0',
    '--weight',
    '50',
    '--force',
    '--trigger',
    'error_rate > 0.5',
  );
  await sleep(LEAD_SECONDS * 1000 + WATCHED_MS);
  const { rollout } = await document();
  const taking = succeed(stack, 'rollout', 'rollback', 'diabetes');
  while ((await document()).rollout?.phase !== 'rolled_back') await sleep(5);
  const writtenMs = Date.now();
  await taking;
  await sleep(WATCHED_MS);
  const last = await lastAnswers(stack, rollout?.id ?? '');
  if (last.length < PARTITIONS) throw new Error(`the candidate answered in ${last.length} of ${PARTITIONS} partitions`);
  return last.map(atMs => Math.max(0, atMs - writtenMs));
}

/** A partition in which a rollout's candidate answered: when it did last. */
async function lastAnswers(stack: AppStack, rollout: string): Promise<readonly number[]> {
  const connection = { kind: 'connection-string', connectionString: stack.hubs.connectionString } as const;
  const reader = openReader(connection, RESULTS, ['$Default'], 1_000);
  const found: number[] = [];
  try {
    for (const partition of (await reader.describe(never)).partitions) {
      const { first, last } = await reader.range(partition, never);
      let atMs = 0;
      for await (const block of reader.read(partition, { sequenceNumber: first }, never)) {
        for (const { properties, body } of block) {
          if (properties.rollout !== rollout || properties.variant !== 'candidate') continue;
          atMs = Math.max(atMs, Date.parse(JSON.parse(body.toString()).timestamp));
        }
        if ((block.at(-1)?.sequenceNumber ?? last) >= last) break;
      }
      if (atMs > 0) found.push(atMs);
    }
  } finally {
    await reader.close();
  }
  return found;
}

async function succeed(stack: AppStack, ...words: readonly string[]): Promise<void> {
  const { code, out } = await stack.hubscore(...words);
  if (code !== 0) throw new Error(`${words.join(' ')}: ${out}`);
}

if (import.meta.main) console.log(await measureRollback(3, Number(process.argv[2] ?? 5)));
