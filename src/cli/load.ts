import { Command, InvalidArgumentError } from 'commander';
import type { LoadOptions } from './load/load-command.ts';
import type { Ramp } from './load/schedule.ts';
import { notNegative, positive, whole } from './numbers.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES = `
Requests come from --cases, else from what comes with the sample models, else (--from-card) made up from what the model's card says.
With --rate or --ramp requests go out on time whatever comes back, and latency counts from the time they were meant to go.
Exit status 0: every request has a result or a dead letter; 1: some are missing after --wait, were not sent within 5 s of --duration, or went out at less than nine tenths of the rate; 130: Ctrl-C.

Examples:
  $ npx hubscore load                                        100 a second for 30 s
  $ npx hubscore load --rate 1000 --duration 60 --html load.html
  $ npx hubscore load --ramp 100:5000:120 --model churn
  $ npx hubscore load --usual                                10,000 requests by 100 workers, as fast as they go
  $ npx hubscore load --rate 500 --pack 100                  50,000 rows a second
  $ npx hubscore load --rate 500 --key-skew 1 --model iris --from-card`;

/** `hubscore load` */
export function loadCommand(terminal: Terminal): Command {
  return new Command('load')
    .summary('send load, and report throughput and latencies')
    .description(
      'Sends requests at a rate that does not wait for results, and reports throughput, latencies and errors.',
    )
    .option('-r, --rate <number>', 'requests a second', positive)
    .option('--ramp <from:to:seconds>', 'a rate that grows from one to the other in that time, then stays', ramp)
    .option('-d, --duration <seconds>', 'how long (default: 30, or until --requests are sent)', positive)
    .option('-n, --requests <number>', 'how many at most; without a rate as fast as the workers go', whole)
    .option('-w, --workers <number>', 'sends under way at once, at most (default: 16)', whole)
    .option('--pack <number>', 'rows a request, as a pack; rates and counts are of packs', whole)
    .option('--usual', 'short for --requests 10000 --workers 100')
    .option('-m, --model <name>', 'model of requests that name none (default: diabetes)')
    .option('--model-version <version>', 'version or alias that they ask for')
    .option('-c, --cases <file>', 'requests as JSON lines, sent over and over')
    .option('--from-card [path]', 'make requests up: from the model in storage, or a model.onnx or its folder')
    .option('--keys <number>', 'partition keys to spread requests over (default: none, or 1000 with --key-skew)', whole)
    .option('--key-skew <exponent>', 'how uneven keys are (Zipf): 0 evenly, 1 as customers are', notNegative)
    .option('--wait <seconds>', 'for results after the last request', notNegative, 30)
    .option('--consumer-group <name>', 'consumer group to read results by', '$Default')
    .option('--json <file>', 'write the report as JSON')
    .option('--html <file>', 'write it as a page with the curves')
    .addHelpText('after', EXAMPLES)
    .action(async (options: LoadOptions) => (await import('./load/load-command.ts')).load(terminal, options));
}

function ramp(text: string): Ramp {
  const [from, to, seconds, ...more] = text.split(':').map(Number);
  const bad = more.length > 0 || !(from! >= 0 && to! > 0 && seconds! > 0) || !Number.isFinite(from! + to! + seconds!);
  if (bad) throw new InvalidArgumentError('from:to:seconds is needed, such as 100:2000:60');
  return { from: from as number, to: to as number, seconds: seconds as number };
}
