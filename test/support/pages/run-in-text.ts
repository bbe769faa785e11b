import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { run } from '../../../src/cli/program.ts';
import { freshCheckout } from './checkout.ts';
import { commandsInText, type Page } from './pages.ts';

const COMMAND_MS = 120_000;

/** What stands for the words in capitals that pages leave to the reader. */
const GIVEN: Readonly<Record<string, string>> = {
  NAME: 'churn',
  '[VERSION]': '1.0.0',
  VERSION: '1.0.0',
  ALIAS: 'staging',
  PATH: 'samples/models/churn/1.0.0',
  MODEL: 'churn',
  DIR: 'pulled',
  FILE: 'samples/requests/churn.jsonl',
  '@FILE': '@one.json',
  RESULT_ID: 'inference-requests/0/0',
  N: '100',
};

/** What measures for a while is run where a block shows it. */
const MEASURING = new Set(['load', 'tune']);

/** What asks a server that is none of the stack's. */
const ELSEWHERE = new Set(['import', 'follow']);

/** Commands of `hubscore` in running text, each once, as a reader would complete them; not those that only name a command and leave out what it must be given. */
export function commandsToRun(pages: readonly Page[], program: Command): string[][] {
  const all = pages
    .flatMap(commandsInText)
    .map(({ words }) => words)
    .filter(([npx, hubscore, ...rest]) => npx === 'npx' && hubscore === 'hubscore' && rest.length > 0)
    .map(words => words.slice(2).map(word => GIVEN[word] ?? word));
  const unique = new Map(all.map(words => [words.join(' '), words]));
  return [...unique.values()]
    .filter(([, second = '']) => !ELSEWHERE.has(second))
    .filter(words => !MEASURING.has(words[0] ?? '') && (words[0]?.startsWith('--') || isComplete(program, words)))
    .map(ending);
}

/** Those that go on until Ctrl-C read what is there. */
function ending(words: readonly string[]): string[] {
  return words[0] === 'tail' && !words.includes('--once') ? [...words, '--once'] : [...words];
}

function isComplete(program: Command, words: readonly string[]): boolean {
  let command = program;
  let given = 0;
  for (const [i, word] of words.entries()) {
    const child = command.commands.find(each => each.name() === word);
    const option = command.options.find(({ long, short }) => long === words[i - 1] || short === words[i - 1]);
    if (child) command = child;
    else if (!word.startsWith('-') && !(option?.required || option?.optional)) given++;
  }
  return (
    command.commands.length === 0 && given >= command.registeredArguments.filter(({ required }) => required).length
  );
}

/** @returns what went wrong: all commands end with 0, or with 2 where they refuse, and say why */
export async function runCommands(
  commands: readonly (readonly string[])[],
  root: string,
  environment: Readonly<Record<string, string>>,
): Promise<string[]> {
  const checkout = freshCheckout(root, environment);
  const [request = ''] = readFileSync(join(root, 'samples/requests/churn.jsonl'), 'utf8').split('\n');
  writeFileSync(join(checkout.path, 'one.json'), request);
  const faults: string[] = [];
  try {
    for (const words of [['send', 'samples/requests/churn.jsonl'], ...commands]) {
      // What the page has the reader write beforehand.
      if (
        words.some(
          word => /^[\w-]+\.(?:jsonl?|onnx|csv|ndjson|parquet)$/.test(word) && !existsSync(join(checkout.path, word)),
        )
      )
        continue;
      const { code, out, err } = await hubscore(words, checkout.path, environment);
      const isRefused =
        (code === 2 && /^error: /.test(err)) || (code === 1 && words[1] === 'try' && out.includes('refused'));
      if (code !== 0 && !isRefused) faults.push(`${words.join(' ')} ended with ${code}:\n${out}${err}`);
    }
  } finally {
    checkout.remove();
  }
  return faults;
}

/** Runs a command line in this process, as `npx hubscore` would. @param input on standard input */
export async function hubscore(
  words: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>>,
  input = '',
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const said = Promise.all([text(stdout), text(stderr)]);
  const world = { stdin: Readable.from([input]), stdout, stderr, environment, folder };
  const code = await run(words, { ...world, signal: AbortSignal.timeout(COMMAND_MS) });
  stdout.end();
  stderr.end();
  const [out, err] = await said;
  return { code, out, err };
}
