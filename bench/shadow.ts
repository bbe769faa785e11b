/** What a shadow costs production on one machine: latencies with and without one, and what it paired meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createBlobs } from '../src/azure/blobs.ts';
import { readTally } from '../src/shadow/shadow-state.ts';
import { type Latencies, openStream } from './stream.ts';

const [MODEL, VERSION] = ['diabetes', '1.0.0'];
const SHADOW = { id: 'sh_bench', version: '1.1.0', sample: 20 };
const [RATE, SECONDS] = [1_000, 60];
/** Four turns of its timer. */
const CATCH_UP_MS = 60_000;

export async function measureShadow(): Promise<Readonly<Record<string, unknown>>> {
  const alone = await measure(false);
  const beside = await measure(true);
  return {
    'alone, ms': alone.latencies,
    'with a shadow at 20 %, ms': beside.latencies,
    'p99 with it over p99 alone': beside.latencies.p99 / alone.latencies.p99,
    'sampled, paired, lost': beside.paired,
  };
}

async function measure(
  hasShadow: boolean,
): Promise<{ readonly latencies: Latencies; readonly paired?: readonly number[] }> {
  const stream = await openStream(MODEL, VERSION, hasShadow ? { shadow: SHADOW } : {});
  try {
    await stream.openLoop(RATE, 20); // until the shadow's process runs, and code is compiled
    const latencies = await stream.openLoop(RATE, SECONDS);
    if (!hasShadow) return { latencies };
    await sleep(CATCH_UP_MS);
    const blobs = createBlobs(
      { kind: 'connection-string', connectionString: stream.storage.connectionString },
      'monitor',
    );
    const { sampled, pairs, lost } = await readTally(blobs, { model: MODEL, ...SHADOW }, new AbortController().signal);
    return { latencies, paired: [sampled, pairs, lost] };
  } finally {
    await stream.close();
  }
}

if (import.meta.main) console.log(await measureShadow());
