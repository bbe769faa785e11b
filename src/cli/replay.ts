import { Command, InvalidArgumentError } from 'commander';
import { eventHubsConnection } from '../config/connection.ts';
import { splitByComma } from '../config/kinds.ts';
import { didYouMean } from '../core/closest.ts';
import { ERROR_CODES } from '../core/errors.ts';
import type { ReplayedLetter, ReplayReport } from '../ledger/replay.ts';
import { commandSettings } from './environment.ts';
import { connectProducer, placeOf } from './event-hubs.ts';
import { printable } from './printable.ts';
import { readTime } from './read-time.ts';
import { type Paint, paintFor, Refusal, type Terminal } from './terminal.ts';

interface Options {
  readonly code?: readonly string[];
  readonly model?: string;
  readonly requestId?: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly modelVersion?: string;
  readonly consumerGroup: string;
  readonly dryRun?: boolean;
}

const EXAMPLES = `
A request goes back as it was: same bytes, properties and partition key. Its attempts are counted and end at MAX_ATTEMPTS (3).
Each run sends again what matches; narrow the time where you run it repeatedly.
Without --code those of REPLAY_CODES are sent, which may go better another time: unknown_model, model_unavailable, inference_failed, unexpected.
Exit status 2 where no dead letter has the --request-id.

Examples:
  $ npx hubscore replay --dry-run                                what would be sent
  $ npx hubscore replay --model churn --from 2h                  after the model was put right
  $ npx hubscore replay --code schema_mismatch --model churn --model-version 2.1.0`;

/** `hubscore replay` */
export function replayCommand(terminal: Terminal): Command {
  return new Command('replay')
    .summary('send the requests of dead letters back')
    .description('Sends the requests of dead letters back to the requests hub.')
    .option('-c, --code <codes>', 'error codes, by comma; all for every one (default: REPLAY_CODES)', codes)
    .option('-m, --model <name>', 'only of this model')
    .option('--request-id <id>', 'only this request, whatever its code')
    .option('-f, --from <time>', 'dead letters from this time or age on (2026-11-21T09:00Z, 2h)', readTime)
    .option('-t, --to <time>', 'dead letters before this time or age', readTime)
    .option('--model-version <version>', 'ask for this version instead')
    .option('--consumer-group <name>', 'consumer group of the dead-letter hub to read by', 'replay')
    .option('--dry-run', 'only say what would be sent')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => replayDeadLetters(terminal, options));
}

async function replayDeadLetters(terminal: Terminal, options: Options): Promise<void> {
  const { stdout, signal } = terminal;
  const [{ openReader }, { replay }] = await Promise.all([
    import('../app/open-events.ts'),
    import('../ledger/replay.ts'),
  ]);
  const settings = commandSettings(terminal.environment, terminal.folder);
  const usual = options.requestId === undefined ? settings.REPLAY_CODES : undefined;
  const chosen = options.code ?? usual;
  const deadLetters = openReader(eventHubsConnection(settings), settings.DEAD_LETTER_HUB, [options.consumerGroup]);
  const producer = await connectProducer(settings, settings.REQUESTS_HUB);
  const paint = paintFor(stdout);
  const dryRun = options.dryRun ?? false;
  try {
    const report = await replay(
      {
        deadLetters,
        producer,
        filter: {
          codes: chosen?.includes('all') ? undefined : chosen,
          model: options.model,
          requestId: options.requestId,
          fromMs: options.from?.getTime(),
          toMs: options.to?.getTime(),
        },
        modelVersion: options.modelVersion,
        maxAttempts: settings.MAX_ATTEMPTS,
        dryRun,
        onLetter: letter => stdout.write(`${showLetter(letter, paint)}\n`),
      },
      signal,
    );
    if (options.requestId !== undefined && report.matched === 0) {
      const where = placeOf(settings.DEAD_LETTER_HUB, producer.fullyQualifiedNamespace);
      throw new Refusal(`no dead letter in ${where} has the request id ${options.requestId}`, hintOf(options));
    }
    stdout.write(`${summarise(report, dryRun, placeOf(settings.REQUESTS_HUB, producer.fullyQualifiedNamespace))}\n`);
  } finally {
    await Promise.allSettled([deadLetters.close(), producer.close()]);
  }
}

function showLetter(letter: ReplayedLetter, paint: Paint): string {
  const { requestId, model, code, message, attempts, left } = letter;
  const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  const who = `${printable(String(requestId))}  ${model ? `${paint('cyan', printable(model))} ` : ''}`;
  const what = `${who}${paint('red', printable(code))}: ${printable(message)}  ${paint('dim', tries)}`;
  return left ? `${paint('yellow', `left, ${left}`)}  ${what}` : what;
}

function summarise(report: ReplayReport, dryRun: boolean, hub: string): string {
  const { read, matched, sent, left, others, unreadable } = report;
  const kept = Object.entries(left).map(([reason, count]) => `${count} left: ${reason}`);
  const rest = [
    ...kept,
    `${read - matched - unreadable} of ${read} did not match${byCode(others)}`,
    ...(unreadable > 0 ? [`${unreadable} in that hub are no dead letters`] : []),
  ];
  return `${dryRun ? 'would send' : 'sent'} ${sent} ${sent === 1 ? 'request' : 'requests'} back to ${hub}; ${rest.join('; ')}`;
}

/** What a next run could ask for. */
function byCode(others: ReplayReport['others']): string {
  const counts = Object.entries(others).sort(([, a], [, b]) => b - a);
  return counts.length === 0 ? '' : ` (${printable(counts.map(([code, count]) => `${code} ${count}`).join(', '))})`;
}

function hintOf({ code, model, from, to }: Options): string {
  const others = Object.entries({ '--code': code, '--model': model, '--from': from, '--to': to });
  const given = others.filter(([, value]) => value !== undefined).map(([name]) => name);
  return given.length > 0
    ? `Nothing was sent; ${given.join(', ')} must hold, too.`
    : 'Nothing was sent: `npx hubscore tail --dead-letters --once` shows what there is.';
}

/** @throws InvalidArgumentError */
function codes(text: string): readonly string[] {
  const known: readonly string[] = [...ERROR_CODES, 'all'];
  const asked = splitByComma(text);
  if (asked.length > 0 && asked.every(code => known.includes(code))) return asked;
  const wrong = asked.find(code => !known.includes(code)) ?? '';
  throw new InvalidArgumentError(`by comma, any of ${known.join(', ')}${didYouMean(wrong, known)}`);
}
