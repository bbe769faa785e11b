import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { commandSettings } from './environment.ts';
import { connectProducer, placeOf } from './event-hubs.ts';
import { inChunks } from './in-chunks.ts';
import { jsonLine, printable } from './printable.ts';
import { readLines } from './read-lines.ts';
import { paintFor, type Terminal } from './terminal.ts';

interface Options {
  readonly json?: boolean;
}

const EXAMPLES = `
Each line is one label: of a request, of a result, or of a row of a pack. A later one corrects an earlier one.
  {"request_id":"a-17","label":"Yes"}
  {"result_id":"inference-requests/2/1841","label":0,"at":"2026-11-21T09:00:00Z"}
  {"request_id":"a-18","id":"row-3","model":"churn","label":"No"}

Examples:
  $ npx hubscore label truth.jsonl
  $ jq -c '{request_id:.id,label:.outcome}' outcomes.json | npx hubscore label -`;

const CHUNK = 500;
const CHUNK_WAIT_MS = 200;

/** `hubscore label FILE|-` */
export function labelCommand(terminal: Terminal): Command {
  return new Command('label')
    .summary('send ground truth, which rollouts are judged by')
    .description('Sends labels from a JSON lines file, or from standard input (-), to the labels hub.')
    .argument('<file>', 'JSON lines file, or - for standard input')
    .option('--json', 'what was sent as one JSON object')
    .addHelpText('after', EXAMPLES)
    .action((file: string, options: Options) => label(terminal, file, options));
}

async function label(terminal: Terminal, file: string, { json }: Options): Promise<void> {
  const { signal, stdout, stderr } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const { toLabel } = await import('../sweep/labels/read-label.ts');
  const input = file === '-' ? terminal.stdin : createReadStream(resolve(terminal.folder, file));
  const producer = await connectProducer(settings, settings.LABELS_HUB);
  const red = paintFor(stderr);
  let sent = 0;
  let bad = 0;
  let line = 0;
  const isLabel = (text: string) => {
    try {
      return toLabel(JSON.parse(text), 0) !== undefined;
    } catch {
      return false;
    }
  };
  try {
    for await (const lines of inChunks(readLines(input, signal), CHUNK, CHUNK_WAIT_MS)) {
      let batch = await producer.createBatch({ abortSignal: signal });
      for (const bytes of lines) {
        line++;
        const text = bytes.toString('utf8').trim();
        if (text === '') continue;
        if (!isLabel(text)) {
          bad++;
          stderr.write(
            `${red('red', `line ${line} not sent`)}: ${printable('expected an object with request_id or result_id, and label')}\n`,
          );
          continue;
        }
        const event = { body: Buffer.from(text), contentType: 'application/json' };
        if (batch.tryAdd(event)) continue;
        sent += await send(batch);
        batch = await producer.createBatch({ abortSignal: signal });
        if (!batch.tryAdd(event)) bad++; // more than a megabyte is no label
      }
      sent += await send(batch);
    }
  } finally {
    await producer.close();
  }
  const hub = placeOf(settings.LABELS_HUB, producer.fullyQualifiedNamespace);
  stdout.write(
    json
      ? `${jsonLine({ sent, bad })}\n`
      : `sent ${sent} ${sent === 1 ? 'label' : 'labels'} to ${hub}${bad > 0 ? `; ${bad} bad lines were not sent` : ''}\n`,
  );
  if (bad > 0) terminal.setExitCode(1);

  async function send(batch: Awaited<ReturnType<typeof producer.createBatch>>): Promise<number> {
    if (batch.count > 0) await producer.sendBatch(batch, { abortSignal: signal });
    return batch.count;
  }
}
