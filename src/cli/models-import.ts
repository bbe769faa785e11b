import { asError, InfrastructureError } from '../core/errors.ts';
import { MlflowError } from '../models/mlflow/ask.ts';
import { downloadVersion } from '../models/mlflow/download.ts';
import { type MlflowReference, parseReference } from '../models/mlflow/reference.ts';
import { createRegistry, type Registry } from '../models/mlflow/registry.ts';
import { createUnityCatalog, workspaceOf } from '../models/mlflow/unity-catalog.ts';
import { commandSettings } from './environment.ts';
import { push } from './models-push.ts';
import { withScratch } from './scratch.ts';
import { CommandError, Refusal, type Terminal } from './terminal.ts';

export interface ImportOptions {
  readonly trackingUri?: string;
  readonly name?: string;
  readonly version?: string;
  readonly alias?: string;
  readonly candidate?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `hubscore models import mlflow:/NAME@ALIAS`: pushes a model of an MLflow registry, with what that knows of it in the card. */
export async function importModel(terminal: Terminal, from: string, options: ImportOptions): Promise<void> {
  const reference = referenceOf(from);
  const registry = openRegistry(terminal, options, reference);
  const settings = commandSettings(terminal.environment, terminal.folder);
  await withScratch(settings, 'import', async folder => {
    const { registered, file, card } = await explained(downloadVersion(registry, reference, folder, terminal.signal));
    const name = options.name ?? nameOf(registered.name);
    const version = options.version ?? versionOf(registered.version);
    await push(terminal, file, { ...options, card, name, version });
  });
}

/** Of `catalog.schema.churn` the last. */
export function nameOf(registered: string): string {
  return registered.split(/[./]/).at(-1) as string;
}

/** Registries count; a semantic version of that. */
export function versionOf(registered: string): string {
  return `${registered}.0.0`;
}

/** @throws CommandError */
export function referenceOf(from: string): MlflowReference {
  try {
    return parseReference(from);
  } catch (thrown) {
    throw new CommandError(asError(thrown).message, 'Such as mlflow:/churn@champion.', { cause: thrown });
  }
}

/** @throws CommandError where nobody says where it is */
export function openRegistry(
  { environment }: Pick<Terminal, 'environment'>,
  { trackingUri }: Pick<ImportOptions, 'trackingUri'>,
  { name }: Pick<MlflowReference, 'name'>,
): Registry {
  const url = trackingUri ?? environment.MLFLOW_TRACKING_URI;
  if (!url)
    throw new CommandError('where is the MLflow tracking server?', 'Give --tracking-uri, or MLFLOW_TRACKING_URI.');
  const workspace = workspaceAt(url, environment.DATABRICKS_HOST);
  const {
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_TRACKING_USERNAME: user,
    MLFLOW_TRACKING_PASSWORD: password,
    DATABRICKS_TOKEN: databricks,
  } = environment;
  const bearer = workspace === undefined ? token : (databricks ?? token);
  const basic = user === undefined ? undefined : `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
  const tracking = { url: workspace ?? url, authorization: bearer ? `Bearer ${bearer}` : basic };
  // A workspace has a registry of its own besides, whose names have one level.
  return workspace !== undefined && name.includes('.') ? createUnityCatalog(tracking) : createRegistry(tracking);
}

/** @throws CommandError */
function workspaceAt(url: string, host: string | undefined): string | undefined {
  try {
    return workspaceOf(url, host);
  } catch (thrown) {
    throw new CommandError(asError(thrown).message, 'Such as --tracking-uri http://localhost:5000, or databricks-uc.', {
      cause: thrown,
    });
  }
}

/** @throws Refusal where the registry says no */
export async function explained<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (thrown) {
    if (!(thrown instanceof MlflowError) || thrown instanceof InfrastructureError) throw thrown;
    throw new Refusal(thrown.message, 'Nothing was imported.', { cause: thrown });
  }
}
