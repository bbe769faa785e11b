import { Command } from 'commander';
import type { PushOptions } from './models-push.ts';
import type { TryOptions } from './models-try.ts';
import { positive } from './numbers.ts';
import type { Terminal } from './terminal.ts';

const PUSH_HELP = `
The file is opened and tried by the same code that will serve it; what could not serve is refused, and says why.
Versions are immutable. Exit status 2 where it is refused. A card (model.json) beside the file, or given with --card, names features and classes: docs/models.md.

Examples:
  $ npx hubscore models push samples/models/churn/1.0.0
  $ npx hubscore models push exported.onnx --name churn --version 2.0.0
  $ npx hubscore models push exported.onnx --name churn --version 2.1.0 --alias staging`;

const TRY_HELP = `
Exit status 1 where a request would end as a dead letter.

Examples:
  $ npx hubscore models try churn @telemetry.json
  $ npx hubscore models try samples/models/diabetes/1.0.0 @row.bin --content-type application/msgpack
  $ npx hubscore models try churn inference-requests/2/1841`;

/** `hubscore models list|show|push|try|verify|alias|promote|rollback|block|unblock|pull|delete`; what they need is loaded when they are called, since ONNX Runtime takes its time. */
export function modelsCommand(terminal: Terminal): Command {
  const models = new Command('models')
    .summary('list, show, push, pull and try models, move their aliases')
    .description('The models in Blob Storage.');
  models
    .command('list')
    .description('Lists the models, their versions and which one is production.')
    .option('--json', 'one JSON object a line')
    .option('--no-load', 'take the highest version, or the alias, at its word: load nothing to see whether it serves')
    .action(async options => (await import('./models-list.ts')).listModels(terminal, options));
  models
    .command('show')
    .description('Shows what a model takes, what it gives and how fast it is.')
    .argument('<name>', 'model')
    .argument('[version]', 'version or alias (default: production)')
    .option('--json', 'its card as it is')
    .option('--input', 'the mapping that its events are read by, its preset written out')
    .action(async (name, version, options) =>
      (await import('./models-show.ts')).showModel(terminal, name, version, options),
    );
  models
    .command('push')
    .description('Tries an ONNX model and uploads it with its card.')
    .argument('<path>', 'model.onnx, or the folder it is in')
    .option('-n, --name <name>', "model name (default: the card's, else the folders <name>/<version>/)")
    .option('-v, --version <version>', 'semantic version (default: likewise)')
    .option('-c, --card <file>', 'card (default: model.json beside the file)')
    .option('-a, --alias <alias>', 'point this alias at it, such as production')
    .option('-p, --profile <csv>', 'training data, which later requests are held against (docs/drift.md)')
    .option('--candidate', 'pin what production is now, so that nothing goes live')
    .option('--dry-run', 'only look, and say what would change')
    .option('--json', 'what was pushed and what changed as one JSON object')
    .addHelpText('after', PUSH_HELP)
    .action(async (path: string, options: PushOptions) =>
      (await import('./models-push.ts')).push(terminal, path, options),
    );
  models
    .command('import')
    .description(
      'Pushes a model of an MLflow registry: the onnx flavour, with run, metrics and parameters in its card.',
    )
    .argument('<from>', 'mlflow:/NAME@ALIAS, mlflow:/NAME/VERSION or mlflow:/NAME/STAGE')
    .option(
      '--tracking-uri <url>',
      'of the tracking server, or databricks-uc: Unity Catalog at DATABRICKS_HOST (default: MLFLOW_TRACKING_URI)',
    )
    .option('-n, --name <name>', "model name (default: the registry's)")
    .option('-v, --version <version>', 'semantic version (default: 7.0.0 of version 7)')
    .option('-a, --alias <alias>', 'point this alias at it')
    .option('--candidate', 'pin what production is now, so that nothing goes live')
    .option('--dry-run', 'only look, and say what would change')
    .option('--json', 'what was pushed and what changed as one JSON object')
    .action(async (from, options) => (await import('./models-import.ts')).importModel(terminal, from, options));
  models
    .command('follow')
    .description('Starts a rollout whenever an alias of an MLflow registry moves. Runs until it is ended.')
    .argument('<from>', 'mlflow:/NAME@ALIAS')
    .option(
      '--tracking-uri <url>',
      'of the tracking server, or databricks-uc: Unity Catalog at DATABRICKS_HOST (default: MLFLOW_TRACKING_URI)',
    )
    .option('-n, --name <name>', "model name (default: the registry's)")
    .option('--once', 'look once, for a scheduler')
    .option('--every <seconds>', 'how often it looks', positive, 60)
    .option('-k, --kind <kind>', 'of the rollout: canary, blue_green or ab')
    .option('-w, --weight <percent>', "the candidate's share", positive)
    .option('-d, --duration <duration>', 'how long it runs')
    .option('-t, --trigger <expression>', 'what takes it back; may be repeated', collect, [])
    .option('-s, --segment <segment>', 'only requests of this segment; may be repeated', collect, [])
    .option('-r, --ramp <ramp>', 'such as 10+10/7d')
    .option('--on-undecided <what>', 'hold, promote or rollback, where the evidence is out at the end')
    .option('--json', 'the rollout that was started as one JSON object')
    .action(async (from, options) => (await import('./models-follow.ts')).follow(terminal, from, options));
  models
    .command('lint')
    .description(
      'Says what is wrong with a model.json or a deployment.json; a card is held against the model.onnx beside it.',
    )
    .argument('<file>', 'model.json or deployment.json')
    .option('--json', 'what is wrong as one JSON object')
    .action(async (file: string, options: { readonly json?: boolean }) =>
      (await import('./models-lint.ts')).lint(terminal, file, options),
    );
  models
    .command('alias')
    .description(
      'Points an alias at a version. Where none says what production is, production is pinned to what it is now.',
    )
    .argument('<name>', 'model')
    .argument('<alias>', 'such as staging, or production')
    .argument('<version>', 'version, or an alias that stands for one')
    .option('--json', 'what changed as one JSON object')
    .action(async (name, alias, version, options) =>
      (await import('./models-alias.ts')).alias(terminal, name, alias, version, options),
    );
  models
    .command('promote')
    .description(
      'Points production at a version, at once. Refused while a rollout runs, and of a version in quarantine.',
    )
    .argument('<name>', 'model')
    .argument('<version>', 'version, or an alias that stands for one')
    .option('--force', 'though it is in quarantine')
    .option('--json', 'what changed as one JSON object')
    .action(async (name, version, options) =>
      (await import('./models-alias.ts')).promote(terminal, name, version, options),
    );
  models
    .command('block')
    .description("Puts a version into quarantine, and takes its traffic away at once, the backlog's included.")
    .argument('<name>', 'model')
    .argument('<version>', 'version, in full')
    .option('--reason <text>', 'why, for all who meet it', 'no reason given')
    .option('--json', 'what its deployment.json says now as one JSON object')
    .action(async (name, version, options) =>
      (await import('./models-block.ts')).blockVersion(terminal, name, version, options),
    );
  models
    .command('unblock')
    .description('Lets a version out of quarantine; no traffic comes back by that.')
    .argument('<name>', 'model')
    .argument('<version>', 'version, in full')
    .option('--json', 'what its deployment.json says now as one JSON object')
    .action(async (name, version, options) =>
      (await import('./models-block.ts')).unblockVersion(terminal, name, version, options),
    );
  models
    .command('verify')
    .description(
      'Replays the golden rows of a version in storage on this machine. Exit status 2 where an answer differs.',
    )
    .argument('<name>', 'model')
    .argument('<version>', 'version, or an alias that stands for one')
    .option('--json', 'one JSON object')
    .action(async (name, version, options) =>
      (await import('./models-verify.ts')).verifyVersion(terminal, name, version, options),
    );
  models
    .command('rollback')
    .description('Points production back to the version before, which the alias previous stands for.')
    .argument('<name>', 'model')
    .option('--json', 'what changed as one JSON object')
    .action(async (name, options) => (await import('./models-alias.ts')).rollback(terminal, name, options));
  models
    .command('pull')
    .description("Downloads a version's files into DIR/NAME/VERSION, from where they can be pushed elsewhere.")
    .argument('<name>', 'model')
    .argument('[version]', 'version or alias (default: production)')
    .option('--to <dir>', 'folder', '.')
    .option('--json', 'what was written as one JSON object')
    .action(async (name, version, options) =>
      (await import('./models-pull.ts')).pull(terminal, name, version, options),
    );
  models
    .command('delete')
    .description('Deletes a version that no alias names, that is not production and that no card falls back on.')
    .argument('<name>', 'model')
    .argument('<version>', 'version, in full')
    .option('--json', 'what was deleted as one JSON object')
    .action(async (name, version, options) =>
      (await import('./models-delete.ts')).deleteVersion(terminal, name, version, options),
    );
  models
    .command('try')
    .description('Shows what becomes of an event, step by step: decoded, mapped, encoded, answered. Nothing is sent.')
    .argument('<model>', 'model.onnx, the folder it is in, or the name of a model in storage')
    .argument('<request>', 'the body of an event, @FILE that holds it, or the result_id of one that was sent')
    .option('-v, --version <version>', 'version or alias of the model in storage (default: production)')
    .option('-t, --content-type <type>', 'of the event')
    .option('-k, --key <key>', 'its partition key')
    .option('-p, --property <name=value>', 'an application property; may be repeated', collect, [])
    .option('--json', 'one JSON object')
    .addHelpText('after', TRY_HELP)
    .action(async (model: string, request: string, options: TryOptions) =>
      (await import('./models-try.ts')).tryModel(terminal, model, request, options),
    );
  return models;
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
