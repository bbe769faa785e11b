import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type SeededRandom } from '../support/seeded-random.ts';
import type { Fault } from './faults.ts';
import { createFuzz } from './fuzz-bodies.ts';
import { hubscoreVerify, type Verified } from './hubscore-verify.ts';
import { judge, type Verdict } from './judge.ts';
import { makeKiller, putKillers } from './killers.ts';
import { type Peak, watchMemory } from './memory.ts';
import { makeDeadlyEvent, makeEvent } from './requests.ts';
import type { Scenario } from './scenarios.ts';
import { type Stack, startStack } from './stack.ts';
import { startTraffic, type Traffic } from './traffic.ts';
import { type Watch, watchEndings } from './watch.ts';

export interface Play {
  readonly events: number;
  /** How long the requests take to come in, at least. */
  readonly seconds: number;
  /** Faults last this part of their usual time. */
  readonly haste: number;
  readonly long: boolean;
  readonly random: SeededRandom;
  readonly say: (line: string) => void;
}

export interface Outcome {
  readonly verdict: Verdict;
  readonly verified: Verified;
  readonly strikes: number;
  /** Longest time from a fault's end, or from the strike of one that should do no harm, to the next ending. */
  readonly longestSilenceMs: number;
  readonly settled: boolean;
  /** The most that the hosts and their processes held. */
  readonly peak: Peak;
  readonly exitCodes: readonly (number | null)[];
  readonly log: string;
}

const PARTITIONS = ['0', '1', '2', '3'];
const FIRST_ENDING_MS = 20_000;
const SILENCE_MS = 30_000;
/** Long: batches full of names that nobody knows wait a second each. */
const SETTLED_MS = 300_000;

/** Streams requests through a stack of its own while faults strike, lets it come to rest, and counts. */
export async function play(scenario: Scenario, options: Play): Promise<Outcome> {
  const { random, say, long } = options;
  const seconds = (long && scenario.longSeconds) || options.seconds;
  const { hosts, functions, settings = {}, fuzz, killers, deadly } = scenario;
  const count = options.events * (fuzz ?? 1);
  const stack = await startStack({ hosts, functions, settings, redis: scenario.redis === true });
  try {
    const { connectionString } = stack.eventHubs;
    const watch = watchEndings(connectionString);
    if (killers) await putKillers(stack.models);
    const memory = watchMemory(stack);
    const known = killers ? makeKiller : deadly ? makeDeadlyEvent : makeEvent;
    // Of its own: when faults strike changes nothing of what is sent.
    const events = createRandom(random.below(2 ** 31));
    const make = fuzz === undefined ? (id: number) => known(id, events) : createFuzz(events);
    let made = 0;
    const next = () => make(made++);
    const traffic = startTraffic(connectionString, PARTITIONS.length, count, seconds, next, random.next);
    await watch.progress(FIRST_ENDING_MS, () => traffic.over);
    const loops = scenario.faults.map(loop => strikeAgainAndAgain(loop, stack, traffic, watch, scenario, options));
    await Promise.allSettled(loops); // where one fails the others still have something to mend
    const strikes = await Promise.all(loops);
    await traffic.done;
    say(`${traffic.acknowledged} events are in, ${strikes.flat().length} faults struck; coming to rest`);
    const settled = await watch.settled(SETTLED_MS);
    const peak = memory.stop();
    const exitCodes = await stack.drain();
    const [verdict, verified] = await Promise.all([
      judge(connectionString, PARTITIONS, traffic.acknowledged),
      hubscoreVerify(connectionString, stack.storage.connectionString),
    ]);
    const silences = strikes.flat();
    const longestSilenceMs = Math.max(0, ...silences);
    return {
      verdict,
      verified,
      strikes: silences.length,
      longestSilenceMs,
      settled,
      peak,
      exitCodes,
      log: stack.log(),
    };
  } finally {
    await stack.close();
  }
}

/** Gives the silence after each strike. */
async function strikeAgainAndAgain(
  loop: readonly Fault[],
  stack: Stack,
  traffic: Traffic,
  watch: Watch,
  { faults, first }: Scenario,
  { random, haste, long, say }: Play,
): Promise<number[]> {
  const alone = faults.length === 1;
  const silences: number[] = [];
  const strike = async (fault: Fault) => {
    const mend = await fault.strike(stack, random);
    const lastsMs = random.between(...fault.lasts) * haste;
    const struckAt = performance.now();
    const during = fault.harmless && alone ? await watch.progress(SILENCE_MS, () => traffic.over) : 0;
    await sleep(Math.max(0, lastsMs - (performance.now() - struckAt)));
    await mend();
    const after = alone ? await watch.progress(SILENCE_MS, () => traffic.over) : 0;
    const silence = Math.max(during ?? 0, after ?? 0);
    say(`${fault.name} for ${Math.round(lastsMs)} ms${alone ? `, then silence for ${Math.round(silence)} ms` : ''}`);
    silences.push(silence);
  };
  if (long && first) await strike(first);
  for (let i = 0; i < loop.length || !traffic.over; i++) {
    await sleep(random.between(200, 2_000) * haste);
    await strike(loop[i % loop.length] as Fault);
  }
  return silences;
}
