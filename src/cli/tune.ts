import { Command } from 'commander';
import { notNegative, positive, whole } from './numbers.ts';
import type { Terminal } from './terminal.ts';
import type { TuneOptions } from './tune/tune-command.ts';

const EXAMPLES = `
Every placement (in-line, worker processes) and number of threads is measured with growing batches, from the bytes of requests to the bytes of
results; nothing is sent. Requests come from --cases, else cases.jsonl beside the model, else they are made up from its card.
A machine that does other things meanwhile gives other figures.

Examples:
  $ npx hubscore tune samples/models/churn/1.0.0              a model on disk
  $ npx hubscore tune churn                                   production of a model in storage
  $ npx hubscore tune forest/1.0.0 --write                    … and put the choice into forest/1.0.0/model.json
  $ npx hubscore tune churn --target-rate 20000 --instance-cores 1 --price-instance-hour 0.187 --price-throughput-unit-hour 0.03`;

/** `hubscore tune` */
export function tuneCommand(terminal: Terminal): Command {
  return new Command('tune')
    .summary('measure how a model runs best, and what a rate needs')
    .description(
      'Measures batch sizes, threads and placement for a model on this machine, and says which to take and why.',
    )
    .argument('<model>', 'model.onnx, the folder it is in, or the name of a model in storage')
    .argument('[version]', 'version or alias of a model in storage (default: production)')
    .option('-c, --cases <file>', 'requests as JSON lines')
    .option(
      '--write [card]',
      'put the choice and what was measured into the card (default: model.json beside the model)',
    )
    .option(
      '--host-json [file]',
      'raise maxEventBatchSize in this host.json to what the model needs (default: host.json); never lowers it',
    )
    .option('--json <file>', 'write all that was measured as JSON')
    .option('--largest-batch <number>', 'largest batch that is tried', whole, 1000)
    .option('--time <ms>', 'milliseconds for each figure', positive, 300)
    .option('--target-rate <number>', 'say what so many requests a second need', positive)
    .option('--instance-cores <number>', 'cores of the instances you would rent (default: as this machine)', positive)
    .option('--price-instance-hour <money>', 'what one of them costs an hour', notNegative)
    .option('--price-throughput-unit-hour <money>', 'what a throughput unit of Event Hubs costs an hour', notNegative)
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, version: string | undefined, options: TuneOptions) =>
      (await import('./tune/tune-command.ts')).tune(terminal, model, version, options),
    );
}
