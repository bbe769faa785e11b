/** `npm run bench [-- --only function-path,stream] [-- --peers]`: every scenario, its figures printed and recorded in bench/results/. */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { measureCache } from './cache.ts';
import { measureColdStart } from './cold-start.ts';
import { compareFunctionPath } from './function-path.ts';
import { medianFigures, record } from './harness.ts';
import { benchHeavy } from './heavy.ts';
import { measureInferenceProcess } from './inference-process.ts';
import { compareInputs } from './inputs.ts';
import { measureLedger } from './ledger-cost.ts';
import { watchMemory } from './memory.ts';
import { compareMixtures, measureTensors } from './mixtures.ts';
import { measureOverheads } from './overheads.ts';
import { compareModelServers } from './peers/model-servers.ts';
import { comparePeersThroughEndpoint } from './peers/through-endpoint.ts';
import { comparePeersWithoutNetwork } from './peers/without-network.ts';
import { compareProtocols } from './protocols/compare.ts';
import { measureSteps } from './steps.ts';
import { openStream } from './stream.ts';

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
  protocols: compareProtocols,
  'cold-start': () => measureColdStart(),
  memory: async () => ({ 'function path, 1,000,000 events': await watchMemory(1_000_000) }),
};

/** With `--peers` alone: they make virtual environments of Python under .local. */
const PEERS: Readonly<Record<string, () => Promise<unknown>>> = {
  'peers-without-network': async () => ({
    'diabetes 1.0.0 (logistic), batch 256': await comparePeersWithoutNetwork('diabetes', '1.0.0'),
    'churn 1.0.0 (records of 19 columns), batch 256': await comparePeersWithoutNetwork('churn', '1.0.0'),
  }),
  'peers-through-endpoint': () => comparePeersThroughEndpoint(),
  'peers-model-servers': () => compareModelServers(),
};

/** Nanoseconds an event differ by a tenth from process to process, by what the engine happens to inline: the median of this many processes counts. */
const PROCESSES: Readonly<Record<string, number>> = { 'function-path': 3, mixtures: 3, overheads: 3 };

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'boolean', default: false },
    part: { type: 'boolean', default: false },
  },
});
const known = { ...SCENARIOS, ...PEERS };
const names = values.only?.split(',') ?? Object.keys(values.peers ? known : SCENARIOS);
const unknown = names.find(name => !(name in known));
if (unknown !== undefined) throw new Error(`no scenario ${unknown}; there are ${Object.keys(known).join(', ')}`);
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
    console.log(`recorded in ${record(name, figures)}`);
  }
}
process.exit(); // a scenario may leave something open

function part(name: string): unknown {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  return JSON.parse(execFileSync(process.execPath, again(name, '--part'), { encoding: 'utf8', stdio: [...stdio] }));
}
