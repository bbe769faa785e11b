/** Prints docs/commands.md from the commands themselves: `npx --no node scripts/commands-table.ts > docs/commands.md`. */
import { PassThrough } from 'node:stream';
import type { Command, Option } from 'commander';
import { createProgram } from '../src/cli/program.ts';

/** The commands, or the one of a name, as they are made for nobody: only looked at. */
export async function programForShow(name?: string): Promise<Command> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const signal = new AbortController().signal;
  const nobody = { stdin, stdout, stderr, environment: {}, folder: '.', signal, setExitCode() {} };
  return createProgram(nobody, name);
}

/** The page as Markdown; a test holds it against the file. */
export async function commandsPage(): Promise<string> {
  const { commands } = await programForShow();
  return [
    '# Commands',
    '',
    'Run in the folder of this repository: `npx --no hubscore …` never asks a registry for a package of that name, `npx hubscore …` would elsewhere. Made from `src/cli/` by `npx --no node scripts/commands-table.ts > docs/commands.md`.',
    '',
    'Without further settings they speak to the local stack; the environment, or a `local.settings.json` here or in a folder above, points them elsewhere. Exit status 0: done; 1: it failed; what else there is `--help` says after each.',
    '',
    ...commands.flatMap(command => sectionOf(command, '')),
  ].join('\n');
}

function sectionOf(command: Command, above: string): string[] {
  const path = `${above} ${command.name()}`.trim();
  if (command.commands.length > 0) return command.commands.flatMap(child => sectionOf(child, path));
  const takes = command.registeredArguments.map(argument => {
    const name = `${argument.name()}${argument.variadic ? '…' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  const rows = [
    ...command.registeredArguments.map(argument => `| \`${argument.name()}\` | ${cell(argument.description)} |`),
    ...command.options.map(option => `| \`${option.flags}\` | ${cell(withDefault(option))} |`),
  ];
  return [
    `## ${path}`,
    '',
    `\`${['hubscore', path, ...takes].join(' ')}\`: ${command.description()}`,
    '',
    ...(rows.length > 0 ? ['| | |', '|---|---|', ...rows, ''] : []),
  ];
}

function withDefault({ description, defaultValue }: Option): string {
  const shown = Array.isArray(defaultValue) ? defaultValue.join(',') : defaultValue;
  if (shown === undefined || shown === '' || typeof shown === 'boolean') return description;
  return `${description} (default: \`${shown}\`)`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/<(\w+)>/g, '&lt;$1&gt;');
}

if (import.meta.main) process.stdout.write(await commandsPage());
