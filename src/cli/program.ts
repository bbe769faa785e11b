import { Command, CommanderError } from 'commander';
import { unknownSettings } from '../config/unknown-settings.ts';
import { VERSION } from '../core/version.ts';
import { commandVariables, staleLocalSettings } from './environment.ts';
import { printable, printableLines } from './printable.ts';
import { explainProblem } from './problems.ts';
import { CommandError, paintFor, type Terminal } from './terminal.ts';

const HELP = `
Without further settings the commands speak to the local stack that \`npm start\` runs. The environment, or
local.settings.json, points them elsewhere:
  EventHubs                              connection string of an Event Hubs namespace
  EventHubs__fullyQualifiedNamespace     or its host name, with the identity of \`az login\`
  ModelStorage, ModelStorage__blobServiceUri     likewise for the account with the models
  EVENTHUBS_PORT, STORAGE_PORT, STORAGE_QUEUE_PORT   a local stack on other ports
All settings: docs/settings.md`;

/** Each is loaded where it is asked for: all of them would take most of the time that a command has. */
const COMMANDS: Readonly<Record<string, () => Promise<(terminal: Terminal) => Command>>> = {
  status: async () => (await import('./status.ts')).statusCommand,
  send: async () => (await import('./send.ts')).sendCommand,
  tail: async () => (await import('./tail.ts')).tailCommand,
  models: async () => (await import('./models.ts')).modelsCommand,
  rollout: async () => (await import('./rollout.ts')).rolloutCommand,
  shadow: async () => (await import('./shadow.ts')).shadowCommand,
  backtest: async () => (await import('./backtest.ts')).backtestCommand,
  label: async () => (await import('./label.ts')).labelCommand,
  audit: async () => (await import('./audit.ts')).auditCommand,
  lineage: async () => (await import('./lineage.ts')).lineageCommand,
  drift: async () => (await import('./drift.ts')).driftCommand,
  replay: async () => (await import('./replay.ts')).replayCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  load: async () => (await import('./load.ts')).loadCommand,
  tune: async () => (await import('./tune.ts')).tuneCommand,
  size: async () => (await import('./size.ts')).sizeCommand,
  batch: async () => (await import('./batch.ts')).batchCommand,
};

/**
 * The commands with their flags; what they touch of the world is the terminal's.
 * @param name of the only one that is wanted; all of them where there is none of that name
 */
export async function createProgram(terminal: Terminal, name = ''): Promise<Command> {
  const wanted = Object.hasOwn(COMMANDS, name) ? [COMMANDS[name]!] : Object.values(COMMANDS);
  const commands = await Promise.all(wanted.map(async load => (await load())(terminal)));
  const program = new Command('hubscore')
    .description(
      'Streaming ONNX inference in Azure Event Hubs and Functions: send requests, see results, manage models.',
    )
    .addHelpText('after', HELP)
    .version(VERSION, '-V, --version', 'print the version')
    .enablePositionalOptions(); // `models push --version` is another one
  for (const command of commands) program.addCommand(command);
  return program;
}

/** Runs one command line. @returns the exit code. */
export async function run(args: readonly string[], world: Omit<Terminal, 'setExitCode'>): Promise<number> {
  let exitCode = 0;
  const terminal: Terminal = {
    ...world,
    setExitCode: code => {
      exitCode = code;
    },
  };
  const program = (await createProgram(terminal, args[0]))
    .hook('preAction', () => warnOfSettings(terminal))
    .showSuggestionAfterError()
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .configureOutput({
      writeOut: text => terminal.stdout.write(printableLines(text)),
      writeErr: text => terminal.stderr.write(printableLines(text)),
    });
  inherit(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode;
    if (terminal.signal.aborted) return 130;
    terminal.stderr.write(`${paintFor(terminal.stderr)('red', 'error')}: ${printableLines(explainProblem(thrown))}\n`);
    return thrown instanceof CommandError ? thrown.exitCode : 1;
  }
}

/** What nothing reads is said before the command does something else than was meant. */
function warnOfSettings({ environment, folder, stderr }: Terminal): void {
  let variables = environment;
  try {
    variables = commandVariables(environment, folder);
    const stale = staleLocalSettings(environment, folder);
    if (stale !== undefined) stderr.write(`note: ${printable(stale)}\n`);
  } catch {
    // The command itself says what is wrong with local.settings.json.
  }
  for (const words of unknownSettings(variables)) stderr.write(`warning: ${printable(words)}\n`);
}

/** Sub-commands made elsewhere take over how output and errors are handled. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inherit(child);
  }
}
