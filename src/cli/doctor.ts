import { Command } from 'commander';
import { readSettings } from '../config/config.ts';
import { unknownSettings } from '../config/unknown-settings.ts';
import { withDeadline } from '../core/waiting.ts';
import { checkBatch } from './doctor/batch.ts';
import { type Check, type Finding, failure, type Level, ok, warn } from './doctor/check.ts';
import { checkEventHubs } from './doctor/event-hubs.ts';
import { checkHostJson } from './doctor/host-json.ts';
import { checkMachine } from './doctor/machine.ts';
import { checkModels } from './doctor/models.ts';
import { checkResultCache } from './doctor/result-cache.ts';
import { checkSchemaRegistry } from './doctor/schema-registry.ts';
import { checkHostStorage, checkModelStorage } from './doctor/storage.ts';
import { commandVariables } from './environment.ts';
import { printable, printableLines } from './printable.ts';
import { paintFor, type Terminal } from './terminal.ts';

const CHECK_WITHIN_MS = 90_000;

const EXAMPLES = `
Each finding that is not well comes with its fix. Exit status 0: nothing failed; 1: something did.
Nothing is sent or written: links for sending are opened and closed again, models are loaded from a temporary copy.

Examples:
  $ npx hubscore doctor                         the local stack, or what local.settings.json names
  $ EventHubs__fullyQualifiedNamespace=NAME.servicebus.windows.net \\
    ModelStorage__blobServiceUri=https://ACCOUNT.blob.core.windows.net npx hubscore doctor
  $ npx hubscore doctor --json                  for scripts`;

interface Options {
  readonly json?: boolean;
}

/** `hubscore doctor` */
export function doctorCommand(terminal: Terminal): Command {
  return new Command('doctor')
    .summary('check everything that an installation needs')
    .description(
      'Checks Node, settings, host.json, hubs, consumer groups, roles, storage, clock, models and batch jobs, by trying them.',
    )
    .option('--json', 'the findings as one JSON array')
    .addHelpText('after', EXAMPLES)
    .action((options: Options) => doctor(terminal, options));
}

async function doctor(terminal: Terminal, { json }: Options): Promise<void> {
  const { stdout, signal } = terminal;
  const paint = paintFor(stdout);
  const counts: Record<Level, number> = { ok: 0, warn: 0, fail: 0 };
  const all: (Finding & { readonly check: string })[] = [];
  for (const check of checksFor(terminal)) {
    for (const finding of await findings(check, signal)) {
      counts[finding.level]++;
      all.push({ check: check.name, ...finding });
      if (json) continue;
      const mark = paint(COLOURS[finding.level], finding.level.padEnd(4));
      stdout.write(`${mark}  ${printable(finding.says)}\n${finding.fix ? `      → ${printable(finding.fix)}\n` : ''}`);
    }
    signal.throwIfAborted();
  }
  if (json) stdout.write(`${printableLines(JSON.stringify(all, null, 2))}\n`);
  else stdout.write(`\n${counts.ok} well, ${counts.warn} to look at, ${counts.fail} failed\n`);
  if (counts.fail > 0) terminal.setExitCode(1);
}

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

/** All checks; those that need settings only where the settings can be read. */
export function checksFor({ environment, folder }: Pick<Terminal, 'environment' | 'folder'>): readonly Check[] {
  try {
    const variables = commandVariables(environment, folder);
    const settings = readSettings(variables);
    return [
      checkMachine(),
      checkSettings(variables),
      checkHostJson(folder, settings),
      ...checkEventHubs(settings),
      checkHostStorage(variables),
      checkModelStorage(settings),
      checkModels(settings),
      checkBatch(settings),
      checkResultCache(settings),
      checkSchemaRegistry(settings),
    ];
  } catch (thrown) {
    const refused: Check = { name: 'settings', run: async () => [failure('settings cannot be used', thrown)] };
    return [checkMachine(), refused];
  }
}

function checkSettings(variables: Readonly<Record<string, string | undefined>>): Check {
  const slips = unknownSettings(variables).map(words => warn(words, 'Correct its name: nothing reads this one.'));
  return { name: 'settings', run: async () => (slips.length > 0 ? slips : [ok('settings can be read')]) };
}

async function findings(check: Check, signal: AbortSignal): Promise<readonly Finding[]> {
  try {
    return await withDeadline(CHECK_WITHIN_MS, signal, own => check.run(own));
  } catch (thrown) {
    return [failure(check.name, thrown)];
  }
}
