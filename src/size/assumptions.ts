import { PLANNED_SHARE } from './costs.ts';
import { type Evaluation, type Question, seconds, whole } from './evaluate.ts';
import { MEMORY_CORES, TIERS } from './limits.ts';
import { LIST_PRICES, PRICE_NAMES } from './prices.ts';
import { AZURE_SCALE } from './simulate/scale-rule.ts';
import { AZURE_OWNERSHIP } from './simulate/scenario.ts';
import { highestOf, peakOf } from './workload.ts';

/** What an answer takes for granted, in words. */
export function assumptionsOf(question: Question, { setUp, window }: Evaluation): string[] {
  const { workload, costs } = question;
  const { tier, memoryMb, namespaces } = setUp;
  const flat = workload.rates.length === 1 ? '' : ', around the highest rate of the curve';
  return [
    `an event takes ${micro(costs.eventMs)} of the real host and Node, ${micro(costs.rowMs)} more for each row; a batch ${costs.batchMs} ms, ${costs.fillMs} ms to fill and ${costs.confirmMs} ms until its results are confirmed${costs.waitMs > 0 ? `; a run of up to ${costs.runRows} rows ${costs.waitMs} ms on another server, ${costs.runs} at once for an instance` : ''}`,
    `an instance of ${memoryMb} MB has ${MEMORY_CORES[memoryMb] === 1 ? '1 core' : `${MEMORY_CORES[memoryMb]} cores`} like those of the measurement, and is planned to ${100 * PLANNED_SHARE} %; units to what is published`,
    ...(tier === 'standard' ? [] : [`a ${TIERS[tier].unit} is planned at the lower end of what is published`]),
    `events come as evenly over partitions${namespaces > 1 ? ', and namespaces with an app each,' : ''} as turns make them, and independently of each other (Poisson)`,
    `${workload.requestBytes} bytes a request, ${workload.resultBytes} a result; ${workload.readers} ${workload.readers === 1 ? 'program reads' : 'programs read'} the results beside the app's own sweep`,
    `the platform looks every ${AZURE_SCALE.everyMs / 1000} s, wants an instance for every ${whole(AZURE_SCALE.eventsAnInstance)} events that wait, adds up to ${AZURE_SCALE.atOnce} at a time and takes none away for ${AZURE_SCALE.keepMs / 1000} s; one is there after ${seconds(costs.coldStartMs)}; for Flex Consumption nothing of this is published`,
    `partitions are shared anew every ${AZURE_OWNERSHIP.balanceMs / 1000} s; those of a killed instance lie idle for ${AZURE_OWNERSHIP.expiryMs / 1000} s`,
    `simulated: ${seconds(window.ms)}${flat}, after two minutes that are not counted${window.isCut ? '; less than would be wanted, since so many batches take long' : ''}; seed ${question.seed}`,
    'a month has 730 hours of the usual rate: no burst, no free grant, no logs, storage of models or network',
  ];
}

/** What is paid for what, and where the figure is from. */
export function priceWords({ prices }: Question): string[] {
  return PRICE_NAMES.filter(name => prices[name] !== undefined).map(name => {
    const { what, price, from } = LIST_PRICES[name];
    return `${prices[name]} for ${what}: ${prices[name] === price ? from : 'as given'}`;
  });
}

/** The load in a sentence. */
export function loadWords({ workload, objective }: Question): string {
  const { rates, burst, rows } = workload;
  const peak = peakOf(workload);
  return [
    rates.length === 1 ? `${whole(peak)} events a second` : `a curve up to ${whole(peak)} events a second`,
    ...(rows > 1 ? [`packs of ${rows} rows, up to ${whole(rows * highestOf(workload))} rows a second`] : []),
    ...(burst ? [`bursts of ${burst.factor} times that for ${seconds(burst.seconds * 1000)}`] : []),
    ...(objective.p99Ms === undefined ? [] : [`p99 within ${seconds(objective.p99Ms)}`]),
    ...(objective.drainMs === undefined ? [] : [`a burst worked off within ${seconds(objective.drainMs)}`]),
  ].join(', ');
}

const micro = (ms: number) => `${Number((1000 * ms).toPrecision(3))} µs`;
