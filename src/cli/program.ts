import { Command, CommanderError } from 'commander';
import { unknownSettings } from '../config/unknown-settings.ts';
import { VERSION } from '../core/version.ts';
import { auditCommand } from './audit.ts';
import { backtestCommand } from './backtest.ts';
import { batchCommand } from './batch.ts';
import { doctorCommand } from './doctor.ts';
import { driftCommand } from './drift.ts';
import { commandVariables, staleLocalSettings } from './environment.ts';
import { labelCommand } from './label.ts';
import { lineageCommand } from './lineage.ts';
import { loadCommand } from './load.ts';
import { modelsCommand } from './models.ts';
import { printable, printableLines } from './printable.ts';
import { explainProblem } from './problems.ts';
import { replayCommand } from './replay.ts';
import { rolloutCommand } from './rollout.ts';
import { sendCommand } from './send.ts';
import { shadowCommand } from './shadow.ts';
import { sizeCommand } from './size.ts';
import { statusCommand } from './status.ts';
import { tailCommand } from './tail.ts';
import { CommandError, paintFor, type Terminal } from './terminal.ts';
import { tuneCommand } from './tune.ts';
import { verifyCommand } from './verify.ts';

const HELP = `
Without further settings the commands speak to the local stack that \`npm start\` runs. The environment, or
local.settings.json, points them elsewhere:
  EventHubs                              connection string of an Event Hubs namespace
  EventHubs__fullyQualifiedNamespace     or its host name, with the identity of \`az login\`
  ModelStorage, ModelStorage__blobServiceUri     likewise for the account with the models
  EVENTHUBS_PORT, STORAGE_PORT, STORAGE_QUEUE_PORT   a local stack on other ports
All settings: docs/settings.md`;

/** Every command with its flags; what they touch of the world is the terminal's. */
export function createProgram(terminal: Terminal): Command {
  return new Command('hubscore')
    .description(
      'Streaming ONNX inference in Azure Event Hubs and Functions: send requests, see results, manage models.',
    )
    .addHelpText('after', HELP)
    .addCommand(statusCommand(terminal))
    .addCommand(sendCommand(terminal))
    .addCommand(tailCommand(terminal))
    .addCommand(modelsCommand(terminal))
    .addCommand(rolloutCommand(terminal))
    .addCommand(shadowCommand(terminal))
    .addCommand(backtestCommand(terminal))
    .addCommand(labelCommand(terminal))
    .addCommand(auditCommand(terminal))
    .addCommand(lineageCommand(terminal))
    .addCommand(driftCommand(terminal))
    .addCommand(replayCommand(terminal))
    .addCommand(verifyCommand(terminal))
    .addCommand(doctorCommand(terminal))
    .addCommand(loadCommand(terminal))
    .addCommand(tuneCommand(terminal))
    .addCommand(sizeCommand(terminal))
    .addCommand(batchCommand(terminal))
    .version(VERSION, '-V, --version', 'print the version')
    .enablePositionalOptions(); // `models push --version` is another one
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
  const program = createProgram(terminal)
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
