import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a comment beside a block may say of it. */
export const MARKS = ['needs Azure', 'continues', 'output'] as const;
export type Mark = (typeof MARKS)[number];

export interface Block {
  /** Of its first line after the fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  readonly mark: Mark | undefined;
}

export interface Page {
  readonly name: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

export interface ShownCommand {
  readonly line: number;
  /** As it stands there. */
  readonly command: string;
  readonly words: readonly string[];
}

/** README and every page of docs. */
export function readPages(root: string): Page[] {
  return ['README.md', ...globSync('docs/*.md', { cwd: root }).sort()].map(name => {
    const text = readFileSync(join(root, name), 'utf8');
    return { name, text, blocks: blocksOf(name, text) };
  });
}

function blocksOf(name: string, text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\w*)$/.exec(lines[at] ?? '');
    if (!fence) continue;
    const end = lines.indexOf('```', at + 1);
    if (end < 0) throw new Error(`${name}:${at + 1}: the block does not end`);
    blocks.push({
      line: at + 2,
      language: fence[1] ?? '',
      text: lines.slice(at + 1, end).join('\n'),
      mark: markAt(name, lines, at),
    });
    at = end;
  }
  return blocks;
}

function markAt(name: string, lines: readonly string[], at: number): Mark | undefined {
  const [, words] = /^<!-- (.+) -->$/.exec(lines[at - 1] ?? '') ?? [];
  if (words === undefined || words.startsWith('/')) return undefined;
  if (!(MARKS as readonly string[]).includes(words))
    throw new Error(`${name}:${at}: a mark is one of ${MARKS.join(', ')}`);
  return words as Mark;
}

const RUNNABLE = new Set(['sh', 'bash', 'console']);
const COMMAND = /^(npx|npm|node|azd|az|kubectl|docker|curl|bash|python|pip|func|cat|echo|cp|kill)\s/;

/** Every command that a page shows, in its blocks and in running text. */
export function commandsIn(page: Page): ShownCommand[] {
  const inBlocks = page.blocks
    .filter(({ language }) => RUNNABLE.has(language))
    .flatMap(block => commandsOf(block).flatMap(({ line, command }) => piped(line, command)));
  return [...inBlocks, ...commandsInText(page)];
}

/** Those in running text alone. */
export function commandsInText(page: Page): ShownCommand[] {
  const found: ShownCommand[] = [];
  let fenced = false;
  for (const [i, line] of page.text.split('\n').entries()) {
    if (line.startsWith('```')) fenced = !fenced;
    if (fenced) continue;
    for (const [, span = ''] of line.matchAll(/`([^`]+)`/g)) {
      const command = span.replace(/\\\|/g, '|');
      if (COMMAND.test(command)) found.push(...piped(i + 1, command));
    }
  }
  return found;
}

function piped(line: number, command: string): ShownCommand[] {
  return command.split(/ (?:\||&&) /).map(part => ({ line, command: part, words: wordsOf(part) }));
}

/** The commands of a block: its lines, or in a `console` those after `$ `; a backslash at a line's end goes on with the next. */
export function commandsOf({ line, language, text }: Block): { line: number; command: string; output: string[] }[] {
  const commands: { line: number; command: string; output: string[] }[] = [];
  let open = false;
  for (const [i, written] of text.split('\n').entries()) {
    const last = commands.at(-1);
    if (open && last) last.command += `\n${written}`;
    else if (language === 'console' && !written.startsWith('$ ')) {
      last?.output.push(written);
      continue;
    } else if (written.trim() === '' || written.startsWith('#')) continue;
    else commands.push({ line: line + i, command: language === 'console' ? written.slice(2) : written, output: [] });
    const command = commands.at(-1)?.command ?? '';
    open = written.endsWith('\\') || (command.split("'").length - 1) % 2 === 1;
  }
  return commands;
}

function wordsOf(command: string): string[] {
  return command
    .replace(/\\\n/g, ' ')
    .replace(/'[^']*'|"[^"]*"/g, quoted => quoted.replace(/[\s-]/g, '_'))
    .replace(/\s+#.*$/, '')
    .split(/\s+/)
    .filter(Boolean);
}
