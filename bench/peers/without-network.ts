import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createFunctionPath, metadataOf } from '../function-path.ts';
import { type Candidate, compare, round3 } from '../harness.ts';
import { openModel } from '../models.ts';
import { requestBodies } from '../requests.ts';
import { virtualEnvironment } from './venv.ts';

const BATCH = 256;
/** Events of a turn: one by one they take a hundred times as long. */
const TURNS = { 'one-by-one': 32, batched: BATCH, 'batched-bare': BATCH };

/** The function path beside what Python services do for an event, both without network. */
export async function comparePeersWithoutNetwork(name: string, version: string) {
  const bodies = requestBodies(name, version, BATCH);
  const metadata = metadataOf(BATCH);
  const ours = createFunctionPath((await openModel(name, version)).model);
  const python = await startPython(name, version, bodies);
  try {
    const { nsPerEvent, speed, rounds } = await compare(
      [{ name: 'hubscore', run: () => ours(bodies, metadata).then(() => BATCH) }, ...python.candidates],
      9,
      500,
    );
    const timesAsFast = Object.entries(speed).map(([peer, value]) => [peer, round3(1 / value)]);
    return { nsPerEvent, 'hubscore, times as fast': Object.fromEntries(timesAsFast.slice(1)), rounds };
  } finally {
    python.stop();
  }
}

async function startPython(name: string, version: string, bodies: readonly Buffer[]) {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  const file = join(folder, 'bodies.jsonl');
  writeFileSync(file, bodies.join('\n'));
  const script = join(import.meta.dirname, 'without_network.py');
  const child = spawn(join(virtualEnvironment('python'), 'python'), [script, name, version, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line'); // ready
  const candidates = Object.entries(TURNS).map(
    ([kind, events]): Candidate => ({
      name: `Python, ${kind.replaceAll('-', ' ')}`,
      async run() {
        const answer = once(lines, 'line');
        child.stdin.write(`${kind} ${events}\n`);
        await answer;
        return events;
      },
    }),
  );
  return {
    candidates,
    stop() {
      child.kill();
      rmSync(folder, { recursive: true });
    },
  };
}
