/** `npm run bench [-- --only function-path,stream] [-- --peers]`: every scenario, its figures printed and recorded in bench/results/. */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { compareBatchPeers, measureBatch } from './batch.ts';
import { measureCache } from './cache.ts';
import { measureColdStart } from './cold-start.ts';
import { compareFunctionPath } from './function-path.ts';
import { medianFigures, record } from './harness.ts';
import { benchHeavy } from './heavy.ts';
import { compareHttpBodies } from './http-bodies.ts';
import { measureInferenceProcess } from './inference-process.ts';
import { compareInputs } from './inputs.ts';
import { measureLedger } from './ledger-cost.ts';
import { watchMemory } from './memory.ts';
import { compareMixtures, measureTensors } from './mixtures.ts';
import { measureOverheads } from './overheads.ts';
import { measurePackage } from './package.ts';
import { comparePacks } from './packs.ts';
import { compareModelServers } from './peers/model-servers.ts';
import { compareRemote } from './peers/remote.ts';
import { comparePeersThroughEndpoint } from './peers/through-endpoint.ts';
import { comparePeersWithoutNetwork } from './peers/without-network.ts';
import { compareProtocols } from './protocols/compare.ts';
import { measureRollback } from './rollback.ts';
import { measureShadow } from './shadow.ts';
import { compareSize } from './size.ts';
import { soak } from './soak/soak.ts';
import { measureSteps } from './steps.ts';
import { openStream } from './stream.ts';
import { measureFold, measureSweep } from './sweep.ts';

const SCENARIOS: Readonly<Record<string, () => Promise<unknown>>> = {
  'function-path': async () => ({
    'diabetes 1.0.0 (logistic), batch 256': await compareFunctionPath('diabetes', '1.0.0', 256),
    'diabetes 1.1.0 (gradient boosting), batch 256': await compareFunctionPath('diabetes', '1.1.0', 256),
  }),
  steps: async () => ({
    'diabetes 1.0.0 (logistic), batch 256': await measureSteps('diabetes', '1.0.0', 256),
    'diabetes 1.1.0 (gradient boosting), batch 256': await measureSteps('diabetes', '1.1.0', 256),
  }),
  overheads: async () => ({
    'diabetes 1.0.0 (logistic), batch 256': await measureOverheads('diabetes', '1.0.0', 256),
    'diabetes 1.1.0 (gradient boosting), batch 256': await measureOverheads('diabetes', '1.1.0', 256),
  }),
  mixtures: async () => ({
    'diabetes 1.0.0 (logistic), batch 256': await compareMixtures(),
    'diabetes 1.0.0, binary tensors': await measureTensors(),
  }),
  'http-bodies': async () => ({ 'diabetes 1.0.0 (logistic), body to body': await compareHttpBodies() }),
  packs: async () => ({
    'diabetes 1.0.0 (logistic), ns a row': await comparePacks('diabetes', '1.0.0'),
  }),
  'packs-stream': async () => {
    const drain = async (events: number, rowsAPack?: number) => {
      const stream = await openStream('diabetes', '1.0.0', rowsAPack === undefined ? {} : { rowsAPack });
      return (await stream.drain(events).finally(() => stream.close())) * (rowsAPack ?? 1);
    };
    return {
      'single events, rows/s': await drain(100_000),
      'packs of 10, rows/s': await drain(50_000, 10),
      'packs of 100, rows/s': await drain(10_000, 100),
    };
  },
  inputs: async () => ({ 'diabetes 1.0.0 (10 numbers), batch 256': await compareInputs() }),
  cache: measureCache,
  heavy: benchHeavy,
  'inference-process': measureInferenceProcess,
  stream: async () => {
    const stream = await openStream('diabetes', '1.0.0');
    try {
      return {
        'drain of 100,000, events/s': await stream.drain(100_000),
        'open loop, ms': [await stream.openLoop(1000, 15), await stream.openLoop(5000, 10)],
      };
    } finally {
      await stream.close();
    }
  },
  ledger: async () => {
    const stream = await openStream('diabetes', '1.0.0');
    const eventsPerSecond = await stream.drain(100_000).finally(() => stream.close());
    return {
      'stream, events/s': eventsPerSecond,
      'diabetes 1.0.0, batch 256': await measureLedger('diabetes', '1.0.0', 256, eventsPerSecond),
      'diabetes 1.0.0, batch 1000': await measureLedger('diabetes', '1.0.0', 1000, eventsPerSecond),
      'diabetes 1.1.0, batch 256': await measureLedger('diabetes', '1.1.0', 256, eventsPerSecond),
    };
  },
  shadow: async () => ({ 'diabetes 1.0.0, shadow 1.1.0': await measureShadow() }),
  size: async () => ({ 'simulated and measured': await compareSize() }),
  sweep: async () => ({
    'results of a canary, two arms in turn': await measureFold(),
    'what one timer carries': await measureSweep(),
  }),
  rollback: async () => ({ 'a canary at 50 %, taken back': await measureRollback() }),
  protocols: compareProtocols,
  batch: async () => ({
    'CSV of 10,000,000 rows and 10 features': await measureBatch(10_000_000),
  }),
  'batch-jobs': async () => {
    // It takes the whole command line along.
    const { measureBeside, measureBlobToBlob, measureFinish } = await import('./batch-jobs.ts');
    return {
      'from Blob Storage to Blob Storage, 16 MiB a chunk': await measureBlobToBlob(1_000_000),
      'a job of 400 chunks': await measureFinish(400),
      'the stream at 200 requests/s beside a job': await measureBeside(200, 30),
    };
  },
  package: measurePackage,
  'cold-start': () => measureColdStart(),
  memory: async () => ({ 'function path, 1,000,000 events': await watchMemory(1_000_000) }),
};

const DIABETES = { model: 'diabetes', rows: 1_000_000 } as const;
const LARGE = { model: 'diabetes', rows: 10_000_000, rounds: 3 } as const;
const CHURN = { model: 'churn', rows: 300_000 } as const;

/** With `--peers` alone: they make virtual environments of Python under .local. */
const PEERS: Readonly<Record<string, () => Promise<unknown>>> = {
  'peers-without-network': async () => ({
    'diabetes 1.0.0 (logistic), batch 256': await comparePeersWithoutNetwork('diabetes', '1.0.0'),
    'churn 1.0.0 (records of 19 columns), batch 256': await comparePeersWithoutNetwork('churn', '1.0.0'),
  }),
  'peers-through-endpoint': () => comparePeersThroughEndpoint(),
  'peers-batch': async () => ({
    'CSV of 1,000,000 rows and 10 features, kept': await compareBatchPeers({ ...DIABETES, format: 'csv', kept: true }),
    'CSV of 1,000,000 rows and 10 features': await compareBatchPeers({ ...DIABETES, format: 'csv' }),
    'CSV of 10,000,000 rows and 10 features, kept': await compareBatchPeers({ ...LARGE, format: 'csv', kept: true }),
    'CSV of 10,000,000 rows and 10 features': await compareBatchPeers({ ...LARGE, format: 'csv' }),
    'Parquet of 1,000,000 rows and 10 features': await compareBatchPeers({ ...DIABETES, format: 'parquet' }),
    'CSV of 300,000 rows and 19 columns, most of them texts': await compareBatchPeers({ ...CHURN, format: 'csv' }),
  }),
  'peers-model-servers': () => compareModelServers(),
  remote: () => compareRemote(),
};

/** By name alone: it takes as long as one says. Both stacks run side by side, so that they see the same machine. */
const LONG: Readonly<Record<string, () => Promise<unknown>>> = {
  soak: async () => {
    const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
    const [all, bare] = await Promise.all([true, false].map(everything => soak({ minutes, rate, everything })));
    return { 'requests a second': rate, everything: all, bare };
  },
};

/** Nanoseconds an event differ by a tenth from process to process, by what the engine happens to inline: the median of this many processes counts. */
const PROCESSES: Readonly<Record<string, number>> = {
  'function-path': 3,
  'http-bodies': 3,
  mixtures: 3,
  overheads: 3,
  packs: 3,
};

const known = { ...SCENARIOS, ...PEERS, ...LONG };
const HELP = `npm run bench [-- --only NAME,…] [-- --peers]
  --only NAME,…   these scenarios: ${Object.keys(SCENARIOS).join(', ')}
  --peers         the others too, which make virtual environments of Python under .local: ${Object.keys(PEERS).join(', ')}
  --only soak     the whole stack twice, side by side, for --minutes N (6) at --rate N (500) requests a second each: what its processes hold
Figures are printed, and recorded in bench/results/. A scenario takes from half a minute to ten; how long, each says as it begins.`;

// By the end of this process, not past it: what it started ends with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const values = readArguments();
const names = values.only?.split(',') ?? Object.keys(values.peers ? { ...SCENARIOS, ...PEERS } : SCENARIOS);
const unknown = names.find(name => !(name in known));
if (unknown !== undefined) leave(`there is no scenario ${unknown}\n${HELP}`);
const again = (...args: string[]) => [import.meta.filename, '--only', ...args];
if (names.length > 1) {
  // A process each: what one scenario has the engine learn would change the next one's figures.
  for (const name of names) execFileSync(process.execPath, again(name), { stdio: 'inherit' });
} else {
  const [name] = names as [string];
  const parts = PROCESSES[name];
  if (values.part) {
    process.stdout.write(JSON.stringify(await known[name]?.()));
  } else {
    console.log(`── ${name}`);
    const figures =
      parts === undefined ? await known[name]?.() : medianFigures(Array.from({ length: parts }, () => part(name)));
    console.log(JSON.stringify(figures, null, 2));
    console.log(`recorded in ${record(name, figures)}, after ${Math.round(performance.now() / 1000)} s`);
  }
}
process.exit(); // a scenario may leave something open

function readArguments() {
  try {
    const { values: read } = parseArgs({
      options: {
        only: { type: 'string' },
        peers: { type: 'boolean', default: false },
        part: { type: 'boolean', default: false },
        minutes: { type: 'string', default: '6' },
        rate: { type: 'string', default: '500' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (!read.help) return read;
  } catch (thrown) {
    leave(`${(thrown as Error).message}\n${HELP}`);
  }
  console.log(HELP);
  process.exit();
}

function leave(words: string): never {
  process.stderr.write(`bench: ${words}\n`);
  process.exit(1);
}

function part(name: string): unknown {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  return JSON.parse(execFileSync(process.execPath, again(name, '--part'), { encoding: 'utf8', stdio: [...stdio] }));
}
