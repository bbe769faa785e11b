import { type Evaluation, evaluate, type Question, seconds, whole } from './evaluate.ts';
import { MOST_INSTANCES, TIERS, type Tier } from './limits.ts';
import { type Capacity, floorMs, memoryFor, needOf, scoringRateFor } from './need.ts';
import type { SetUp } from './set-up.ts';
import { highestOf, requestBytesOf, resultBytesOf, shareOf } from './workload.ts';

/** Why nothing holds: which limit binds, and what would lift it. */
export interface Binding {
  readonly limit: string;
  readonly lift: string;
}

export interface Answer {
  /** The smallest that holds; where none does, the one that comes nearest. */
  readonly best: Evaluation;
  /** Undefined: it holds. */
  readonly binding: Binding | undefined;
}

const MOST_NAMESPACES = 1_000;
/** Half as many again each time: forty times as many at last. */
const TRIES = 9;

/** Set-ups by the closed formulas alone, one a tier that can carry the load, by cost where it is known, then Standard first. */
export function closedSetUps(
  question: Question,
  tiers: readonly Tier[] = ['standard', 'premium', 'dedicated'],
): SetUp[] {
  const { costs, workload, objective } = question;
  const memoryMb = memoryFor(costs);
  if (memoryMb === undefined) return [];
  return tiers.flatMap((tier): SetUp[] => {
    for (let namespaces = 1; namespaces <= MOST_NAMESPACES; namespaces = nextCount(namespaces)) {
      const share = shareOf(workload, namespaces);
      const scored = scoringRateFor(share, objective.drainMs);
      const need = needOf(tier, share, costs, memoryMb, scored);
      if (need.beyond === undefined && need.instances <= MOST_INSTANCES) {
        const { units, partitions, instances } = need;
        return [{ tier, namespaces, units, partitions, instances, memoryMb, alwaysReady: 0 }];
      }
    }
    return [];
  });
}

const nextCount = (count: number) => count + Math.max(1, Math.floor(count / 50));

/**
 * The smallest set-up that holds. The closed formulas give units, partitions and instances; where the simulation then misses the objective, units for the
 * highest rate are taken, instances are kept ready, then more of them, and of namespaces, are taken.
 */
export function choose(question: Question, tiers?: readonly Tier[]): Answer {
  const first = smallestOf(closedSetUps(question, tiers), question);
  if (first === undefined) {
    return { best: evaluate(fallback(question), question), binding: bindingBeyond(question, tiers) };
  }
  let best = evaluate(first, question);
  if (best.misses.length === 0) return { best, binding: undefined };
  // Nothing is quicker than a single event on its way: no number of anything helps.
  if (isBelowFloor(question)) return { best, binding: bindingOf(best, question) };
  const ready = (setUp: SetUp, alwaysReady: number) => evaluate({ ...setUp, alwaysReady }, question);
  const withUnits = sized(first, first.instances, question);
  for (const setUp of withUnits.units > first.units ? [first, withUnits] : [first]) {
    const most = ready(setUp, setUp.instances);
    if (most.misses.length === 0) {
      return { best: fewest(0, setUp.instances, most, count => ready(setUp, count)), binding: undefined };
    }
    best = most;
  }
  for (let [setUp, tries] = [withUnits, 0]; tries < TRIES; tries++) {
    const more = grown(setUp, question);
    if (more === undefined) break;
    best = ready(more, more.instances);
    if (best.misses.length > 0) {
      setUp = more;
      continue;
    }
    const from = more.namespaces > setUp.namespaces ? 1 : setUp.instances + 1;
    const at = (count: number) => ready(sized(more, count, question), count);
    return { best: fewest(from, more.instances, best, at), binding: undefined };
  }
  return { best, binding: bindingOf(best, question) };
}

const isBelowFloor = ({ costs, workload, objective }: Pick<Question, 'costs' | 'workload' | 'objective'>) =>
  objective.p99Ms !== undefined && objective.p99Ms < floorMs(costs, workload.rows);

/** The smallest count that holds, where more never hold less. @param held what the largest one gives */
function fewest(from: number, to: number, held: Evaluation, at: (count: number) => Evaluation): Evaluation {
  let [low, high, best] = [from, to, held];
  while (low < high) {
    const middle = (low + high) >> 1;
    const tried = at(middle);
    if (tried.misses.length === 0) [high, best] = [middle, tried];
    else low = middle + 1;
  }
  return best;
}

/** The cheapest where all costs are known, else that of the fewest namespaces, Standard before the others. */
export function smallestOf(setUps: readonly SetUp[], { prices }: Question): SetUp | undefined {
  const hours = {
    standard: prices.throughputUnitHour,
    premium: prices.processingUnitHour,
    dedicated: prices.capacityUnitHour,
  };
  const isKnown = setUps.every(({ tier }) => hours[tier] !== undefined);
  const weight = ({ tier, namespaces, units }: SetUp) => namespaces * (isKnown ? units * (hours[tier] ?? 0) : 1);
  const [first, ...rest] = setUps;
  return rest.reduce((least, each) => (least && weight(each) < weight(least) ? each : least), first);
}

/** Half as many instances again, with partitions for them; where a hub has no more partitions, half as many namespaces again. */
function grown(setUp: SetUp, question: Question): SetUp | undefined {
  const most = Math.min(TIERS[setUp.tier].partitionsPerHub, MOST_INSTANCES);
  if (setUp.instances < most) return sized(setUp, Math.min(Math.ceil(setUp.instances * 1.5), most), question);
  const namespaces = Math.ceil(setUp.namespaces * 1.5);
  return namespaces > MOST_NAMESPACES ? undefined : sized({ ...setUp, namespaces }, setUp.instances, question);
}

function sized(setUp: SetUp, instances: number, { workload, costs, objective }: Question): SetUp {
  const share = shareOf(workload, setUp.namespaces);
  const need = needOf(setUp.tier, share, costs, setUp.memoryMb, scoringRateFor(share, objective.drainMs));
  const partitions = Math.max(need.partitions, instances);
  // Scoring quicker than planned for brings results quicker, too.
  const { units } = needOf(setUp.tier, share, costs, setUp.memoryMb, highestOf(share));
  return { ...setUp, instances, partitions, units: Math.min(units, TIERS[setUp.tier].units.at(-1) as number) };
}

const fallback = ({ costs }: Question): SetUp => ({
  tier: 'standard',
  namespaces: 1,
  units: 40,
  partitions: 32,
  instances: 32,
  memoryMb: memoryFor(costs) ?? 4096,
  alwaysReady: 0,
});

function bindingBeyond(question: Question, tiers: readonly Tier[] | undefined): Binding {
  const { costs, workload } = question;
  const largest = Math.max(requestBytesOf(workload), resultBytesOf(workload));
  if (memoryFor(costs) === undefined) {
    return {
      limit: `memory: ${costs.modelMb} MB of models fit no instance of Flex Consumption`,
      lift: 'score by a remote server (REMOTE_HOSTS), or run the containers on nodes with more memory',
    };
  }
  return {
    limit: `units: no ${(tiers ?? ['standard', 'premium', 'dedicated']).join(', ')} namespaces up to ${MOST_NAMESPACES} carry ${Math.round(highestOf(workload)).toLocaleString('en')} events a second of ${largest} bytes`,
    lift: 'packs of more rows in fewer events, or smaller events',
  };
}

const LIFTS: Readonly<Record<Capacity['limit'], string>> = {
  units: 'more units, or packs: many rows in one event',
  'partitions, taking in': 'more partitions, or smaller events',
  'partitions, scoring': 'more partitions, or a quicker model',
  instances: 'more instances (and partitions for them), or a cheaper model',
};

/** Why it does not hold. @param evaluation with misses */
export function bindingOf(
  { capacities, setUp, misses }: Evaluation,
  { costs, workload, objective }: Question,
): Binding {
  const floor = floorMs(costs, workload.rows);
  if (isBelowFloor({ costs, workload, objective })) {
    return {
      limit: `the way of a single event: ${costs.fillMs} ms until the host has filled a batch, ${seconds(floor - costs.fillMs)} until its result is confirmed, ${seconds(floor)} together`,
      lift: 'the HTTP endpoint answers without a hub; a quicker model; else a p99 above that',
    };
  }
  const [least] = capacities;
  const { partitionsPerHub } = TIERS[setUp.tier];
  const isFull = setUp.partitions >= partitionsPerHub;
  return {
    limit: `${least?.limit ?? 'instances'}: ${whole((least?.perSecond ?? 0) * setUp.namespaces)} events a second, planned; ${misses.join('; ')}`,
    lift: isFull
      ? `a tier with more partitions than ${partitionsPerHub} a hub, or several namespaces; or ${LIFTS[least?.limit ?? 'instances']}`
      : LIFTS[least?.limit ?? 'instances'],
  };
}
