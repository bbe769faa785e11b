import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { answerSizes } from './answer-size.ts';
import { commandSettings } from './environment.ts';
import { connectProducer, placeOf } from './event-hubs.ts';
import { positive, whole } from './numbers.ts';
import { printable } from './printable.ts';
import { readLines } from './read-lines.ts';
import { type SendReport, sendRequests } from './send-requests.ts';
import { paintFor, type Terminal } from './terminal.ts';

interface Options {
  readonly model?: string;
  readonly key?: string;
  readonly rate?: number;
  readonly pack?: number;
  readonly properties?: Record<string, string>;
}

const EXAMPLES = `
Each line is one request; an array of requests on a line travels as one event.
  {"model":"churn","features":{"tenure":15,"Contract":"One year", …}}
  {"model":"diabetes","model_version":"1.0.0","features":[63,1,24.4,73,160,91.4,48,3,4.6,78]}
  {"request_id":"a-17","model":"sentiment","features":"I love the new headset"}

Examples:
  $ npx hubscore send samples/requests/churn.jsonl
  $ npx hubscore send rows.jsonl --model churn --key customer_id --rate 500
  $ npx hubscore send rows.jsonl --key customer_id --pack 100
  $ tail -f app.log | jq -c --unbuffered '{features:.message}' | npx hubscore send - --model sentiment

Watch what becomes of them with \`npx hubscore tail\`.`;

/** `hubscore send FILE|-` */
export function sendCommand(terminal: Terminal): Command {
  return new Command('send')
    .summary('send requests from a JSON lines file to the requests hub')
    .description('Sends requests from a JSON lines file, or from standard input (-), to the requests hub.')
    .argument('<file>', 'JSON lines file, or - for standard input')
    .option('-m, --model <name>', 'model for requests that name none')
    .option('-k, --key <field>', 'partition key: a field of the request or of its features; =TEXT for one key on all')
    .option('-r, --rate <number>', 'requests a second (default: as fast as the hub takes them)', positive)
    .option('--pack <number>', 'so many requests an event at most, as rows of a pack under their ids', whole)
    .option('-p, --properties <name=value,…>', 'application properties of every event; may be given again', properties)
    .addHelpText('after', EXAMPLES)
    .action((file: string, options: Options) => send(terminal, file, options));
}

async function send(terminal: Terminal, file: string, options: Options): Promise<void> {
  const { signal, stdout, stderr } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const input = file === '-' ? terminal.stdin : createReadStream(resolve(terminal.folder, file));
  await opened(input);
  const producer = await connectProducer(settings, settings.REQUESTS_HUB);
  const red = paintFor(stderr);
  try {
    const report = await sendRequests(producer, readLines(input, signal), {
      ...options,
      ...(options.pack !== undefined && { answerBytes: answerSizes(settings, signal) }),
      signal,
      onBadLine: ({ lineNumber, reason }) =>
        stderr.write(`${red('red', `line ${lineNumber} not sent`)}: ${printable(reason)}\n`),
    });
    const hub = placeOf(settings.REQUESTS_HUB, producer.fullyQualifiedNamespace);
    stdout.write(`${summarise(hub, report, options.pack !== undefined)}\n`);
    if (report.bad > 0) terminal.setExitCode(1);
  } finally {
    await producer.close();
  }
}

function summarise(hub: string, { byPartition, bad, lines }: SendReport, packed: boolean): string {
  const used = [...byPartition].filter(([, count]) => count > 0);
  const total = used.reduce((sum, [, count]) => sum + count, 0);
  const refused = bad > 0 ? `; ${bad} bad ${bad === 1 ? 'line was' : 'lines were'} not sent` : '';
  if (total === 0) return `nothing sent to ${hub}${refused || ': the input is empty'}`;
  const where = used.map(([id, count]) => `${count} to partition ${id}`).join(', ');
  const rows = packed ? `${lines} ${lines === 1 ? 'request' : 'requests'} in ` : '';
  return `sent ${rows}${total} ${total === 1 ? 'event' : 'events'} to ${hub}: ${where}${refused}`;
}

/** A file that is not there is said before anything is connected. */
function opened(input: NodeJS.ReadableStream): Promise<void> {
  if (!('pending' in input) || !input.pending) return Promise.resolve();
  return new Promise((ready, fail) => input.once('ready', ready).once('error', fail));
}

function properties(text: string, before: Record<string, string> = {}): Record<string, string> {
  const pairs = text.split(',').map(pair => {
    const at = pair.indexOf('=');
    if (at < 1) throw new InvalidArgumentError('name=value is needed, such as --properties priority=0,team=sales');
    return [pair.slice(0, at).trim(), pair.slice(at + 1)];
  });
  return { ...before, ...Object.fromEntries(pairs) };
}
