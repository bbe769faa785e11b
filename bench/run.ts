/** `npm run bench [-- --only function-path,stream]`: every scenario, its figures printed and recorded in bench/results/. */
import { parseArgs } from 'node:util';
import { measureCache } from './cache.ts';
import { measureColdStart } from './cold-start.ts';
import { compareFunctionPath } from './function-path.ts';
import { record } from './harness.ts';
import { benchHeavy } from './heavy.ts';
import { measureLedger } from './ledger-cost.ts';
import { watchMemory } from './memory.ts';
import { measureOverheads } from './overheads.ts';
import { openStream } from './stream.ts';

const SCENARIOS: Readonly<Record<string, () => Promise<unknown>>> = {
  'function-path': async () => ({
    'diabetes 1.0.0 (logistic), batch 256': await compareFunctionPath('diabetes', '1.0.0', 256),
    'diabetes 1.1.0 (gradient boosting), batch 256': await compareFunctionPath('diabetes', '1.1.0', 256),
  }),
  overheads: async () => ({
    'diabetes 1.0.0 (logistic), batch 256': await measureOverheads('diabetes', '1.0.0', 256),
    'diabetes 1.1.0 (gradient boosting), batch 256': await measureOverheads('diabetes', '1.1.0', 256),
  }),
  cache: measureCache,
  heavy: benchHeavy,
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
  'cold-start': () => measureColdStart(),
  memory: async () => ({ 'function path, 1,000,000 events': await watchMemory(1_000_000) }),
};

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const only = values.only?.split(',') ?? Object.keys(SCENARIOS);
for (const name of only) {
  const scenario = SCENARIOS[name];
  if (!scenario) throw new Error(`no scenario ${name}; there are ${Object.keys(SCENARIOS).join(', ')}`);
  console.log(`── ${name}`);
  const figures = await scenario();
  console.log(JSON.stringify(figures, null, 2));
  console.log(`recorded in ${record(name, figures)}`);
}
process.exit(); // models in worker threads would keep it alive
