import { Command, InvalidArgumentError } from 'commander';
import { PRICE_NAMES, type PriceName } from '../size/prices.ts';
import type { Burst } from '../size/workload.ts';
import { notNegative, positive, whole } from './numbers.ts';
import { readSetUp, readTier } from './size/read-set-up.ts';
import type { SizeOptions } from './size/size-command.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES = `
Rates are of events; an event may hold --rows rows. What the host takes is what the real Functions host was seen to take; the model's cost comes from
--tune. Closed formulas give a first set-up; a simulation of hub limits, scaling, cold starts and changes of ownership shows whether the objective holds, and
adds always-ready instances, then more of them, where it does not. The same seed gives the same answer.
Prices are --price NAME=MONEY, of ${PRICE_NAMES.join(', ')}.
Exit status 0: a set-up holds; 2: none does, and what binds is said; 1: the question cannot be read.

Examples:
  $ npx hubscore size --rate 1000 --p99 2s
  $ npx hubscore size --rate 2000 --burst 5x60s --drain 10m --tune tuned.json --page size.html
  $ npx hubscore size --counts minutes.csv --rows 50 --price processingUnitHour=1.5
  $ npx hubscore size --rate 2000 --set-up standard,units=4,instances=2 --compare premium,units=1`;

/** `hubscore size` */
export function sizeCommand(terminal: Terminal): Command {
  return new Command('size')
    .summary('say what a load will take and cost, before anything is deployed')
    .description(
      'Finds the smallest set-up that holds for a load: tier, units, partitions, instances, memory, always-ready instances and their cost.',
    )
    .option('-r, --rate <number>', 'events a second, always the same', notNegative)
    .option('--curve <numbers>', "a day's curve: events a second, 24 by comma, or 48, 96 …")
    .option('--counts <file>', 'CSV of minute,count: what came, minute by minute')
    .option('--burst <factor>x<time>', 'on top, at the worst moment: 5x60s', burst)
    .option('--rows <number>', 'rows an event, as a pack', whole, 1)
    .option('--event-bytes <number>', 'bytes of a request (default: by rows)', positive)
    .option('--result-bytes <number>', 'bytes of its result (default: by rows)', positive)
    .option('--readers <number>', 'programs that read all results', notNegative, 1)
    .option('--tune <file>', "the model's cost, as `tune --json` wrote it")
    .option('--row-us <number>', 'microseconds a row in codecs and model (default: 5, or from --tune)', notNegative)
    .option('--wait-ms <number>', 'milliseconds of a run on a remote model', notNegative)
    .option('--runs <number>', 'its runs at once, max_concurrent of its card (default: 4)', whole)
    .option('--run-rows <number>', 'rows of a run, its max_batch_size (default: 64)', whole)
    .option('--model-mb <number>', 'memory of all loaded models (default: 200)', notNegative)
    .option('--batch <number>', 'maxEventBatchSize (default: 1000)', whole)
    .option('--checkpoint-every <number>', 'batchCheckpointFrequency (default: 1)', whole)
    .option('--cold-start <time>', 'until a new instance works (default: 10s)', time)
    .option('--p99 <time>', '99 of 100 events are answered within', time)
    .option('--drain <time>', 'so long after a burst it is worked off', time)
    .option('--tier <tier>', 'this one alone: standard, premium, dedicated', readTier)
    .option('--set-up <set-up>', 'say what comes of this one instead of looking for one', readSetUp)
    .option('--compare <set-up>', 'show this one beside it', readSetUp)
    .option('--price <name>=<money>', 'a price, may be repeated', price, {})
    .option('--seed <number>', 'of the simulation', whole, 1)
    .option('--page <file>', 'write the answer as a page with the curves')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (options: SizeOptions) => (await import('./size/size-command.ts')).size(terminal, options));
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `2s`, `10m`, `1h` as milliseconds. @throws InvalidArgumentError */
function time(text: string): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS_MS[unit] ?? Number.NaN);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('a time is needed, such as 500ms, 2s or 10m');
}

function burst(text: string): Burst {
  const [, factor, lasts = ''] = /^(\d+(?:\.\d+)?)x(.+)$/.exec(text) ?? [];
  if (!(Number(factor) > 1)) throw new InvalidArgumentError('a factor above 1 and a time are needed, such as 5x60s');
  return { factor: Number(factor), seconds: time(lasts) / 1000 };
}

function price(text: string, before: Partial<Record<PriceName, number>>): Partial<Record<PriceName, number>> {
  const [name = '', money = ''] = text.split('=');
  const known = PRICE_NAMES.find(each => each === name);
  if (known === undefined) throw new InvalidArgumentError(`${name} is none of ${PRICE_NAMES.join(', ')}`);
  return { ...before, [known]: notNegative(money) };
}
