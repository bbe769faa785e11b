/**
 * `npm run test:chaos [-- --short] [--only "host killed,fuzz"] [--seed N] [--events N] [--log]`: requests stream through the real
 * local stack while parts of it die; each of them must end once, in order. A scenario counts as one test.
 */
import { parseArgs } from 'node:util';
import { createRandom } from '../support/seeded-random.ts';
import { playBatchJob } from './batch.ts';
import { faultsIn, summaryOf } from './findings.ts';
import { play } from './play.ts';
import { type Scenario, scenariosHere } from './scenarios.ts';

const DEFAULT_SEED = 20261121;
const LONG = {
  batch: { rows: 200_000, kills: 20 },
  events: 20_000,
  seconds: 30,
  haste: 1,
  long: true,
  atOnce: 1,
  patience: 1,
};
/** For every change: the same scenarios with fewer events, shorter faults, and some side by side. */
const SHORT = {
  batch: { rows: 10_000, kills: 3 },
  events: 1_000,
  seconds: 6,
  haste: 0.4,
  long: false,
  atOnce: 3,
  patience: 2.9,
};

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(DEFAULT_SEED) },
    events: { type: 'string' },
    short: { type: 'boolean', default: false },
    only: { type: 'string' },
    log: { type: 'boolean', default: false },
  },
});
const form = values.short ? SHORT : LONG;
const seed = Number(values.seed);
const events = Number(values.events ?? form.events);
const startedAt = performance.now();
const say = (line: string) => console.log(line);

async function passes(scenario: Scenario, index: number): Promise<boolean> {
  const tell = (line: string) => say(`${secondsSince(startedAt).padStart(6)} s  ${scenario.name}: ${line}`);
  tell('starting');
  try {
    const random = createRandom(seed + index);
    if (scenario.batch) {
      const faults = await playBatchJob({ ...form.batch, random, say: tell });
      for (const fault of faults) tell(`FAILED: ${fault}`);
      return faults.length === 0;
    }
    const outcome = await play(scenario, { ...form, events, random, say: tell });
    const faults = faultsIn(outcome, scenario, form.patience);
    tell(summaryOf(outcome));
    for (const fault of faults) tell(`FAILED: ${fault}`);
    if (values.log || faults.length > 0) say(outcome.log);
    return faults.length === 0;
  } catch (thrown) {
    tell(`FAILED: ${thrown instanceof Error ? thrown.stack : thrown}`);
    return false;
  }
}

function secondsSince(at: number): string {
  return ((performance.now() - at) / 1000).toFixed(1);
}

/** Exiting kills what was started, which a signal by itself would leave behind. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const all = scenariosHere(say);
const names = values.only?.split(',') ?? all.map(({ name }) => name);
const unknown = names.filter(name => !all.some(scenario => scenario.name === name));
if (unknown.length > 0) {
  console.error(`no scenario ${unknown.join(', ')}; there are: ${all.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
say(`seed ${seed}, ${events} events a scenario`);
const waiting = all
  .map((scenario, index) => ({ scenario, index }))
  .filter(({ scenario }) => names.includes(scenario.name));
const ended: boolean[] = [];
await Promise.all(
  Array.from({ length: form.atOnce }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) ended.push(await passes(next.scenario, next.index));
  }),
);
const passed = ended.filter(Boolean).length;
const failed = ended.length - passed;
say(`${secondsSince(startedAt)} s`);
say(`Tests  ${failed > 0 ? `${failed} failed | ` : ''}${passed} passed (${ended.length})`);
// What was said has to be out first: a pipe takes it later.
process.stdout.write('', () => process.exit(failed > 0 ? 1 : 0));
