import { once as nextEvent } from 'node:events';
import { Command } from 'commander';
import { commandSettings } from './environment.ts';
import { connectConsumer, placeOf } from './event-hubs.ts';
import { printable } from './printable.ts';
import { type ReadOptions, readEndings, type Source } from './read-endings.ts';
import { readTime } from './read-time.ts';
import { showEnding } from './show-ending.ts';
import { paintFor, type Terminal } from './terminal.ts';

interface Options {
  readonly json?: boolean;
  readonly once?: boolean;
  readonly from?: ReadOptions['from'];
  readonly deadLetters?: boolean;
  readonly model?: string;
  readonly consumerGroup: string;
}

const EXAMPLES = `
Examples:
  $ npx hubscore tail                                   what comes from now on
  $ npx hubscore tail --once --json > results.jsonl     all there is, one JSON object a line
  $ npx hubscore tail --dead-letters --from 10m         what could not be scored in the last ten minutes`;

/** `hubscore tail` */
export function tailCommand(terminal: Terminal): Command {
  return new Command('tail')
    .summary('show results and dead letters as they come')
    .description('Shows results and dead letters as they come; each result_id once.')
    .option('--json', 'the bodies as they are, one JSON object a line')
    .option('--once', 'read what is there, then end')
    .option(
      '-f, --from <where>',
      'start, latest, a time (2026-11-21T09:00Z) or an age (30s, 10m, 2h) (default: latest; with --once start)',
      startingPoint,
    )
    .option('--dead-letters', 'dead letters only')
    .option('-m, --model <name>', 'only what names this model')
    .option('--consumer-group <name>', 'consumer group to read by', '$Default')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => tail(terminal, options));
}

async function tail(terminal: Terminal, options: Options): Promise<void> {
  const { stdout, stderr, signal } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const connect = async (kind: Source['kind'], hub: string): Promise<Source> => ({
    kind,
    consumer: await connectConsumer(settings, hub, options.consumerGroup),
  });
  const first = await connect('dead-letter', settings.DEAD_LETTER_HUB);
  const sources = [first];
  if (!options.deadLetters) sources.push(await connect('result', settings.RESULTS_HUB));
  const paint = paintFor(stdout);
  const once = options.once ?? false;
  const from = options.from ?? (once ? 'start' : 'latest');
  try {
    if (!once) stderr.write(`${paintFor(stderr)('dim', waiting(from, first.consumer.fullyQualifiedNamespace))}\n`);
    const { shown, repeats } = await readEndings(sources, {
      from,
      once,
      signal,
      model: options.model,
      onEnding: async ending => {
        const line = options.json ? ending.json : showEnding(ending, paint);
        if (!stdout.write(`${line}\n`)) await nextEvent(stdout, 'drain');
      },
      onTrouble: message => stderr.write(`${printable(message)}; trying again\n`),
    });
    if (repeats > 0) stderr.write(`${repeats} repeated ${repeats === 1 ? 'ending was' : 'endings were'} left out\n`);
    if (once && shown === 0)
      stderr.write('nothing there; `npx hubscore send samples/requests/churn.jsonl` makes some\n');
  } finally {
    await Promise.all(sources.map(({ consumer }) => consumer.close()));
  }
}

function waiting(from: ReadOptions['from'], namespace: string): string {
  const since = from === 'latest' ? 'what comes from now on' : from === 'start' ? 'all there is' : from.toISOString();
  return `showing ${placeOf('results and dead letters', namespace)}: ${since}; Ctrl-C ends`;
}

/** `start`, `latest`, a time or an age. */
function startingPoint(text: string): ReadOptions['from'] {
  return text === 'start' || text === 'latest' ? text : readTime(text);
}
