import { z } from 'zod';
import { type Asking, createAsking, MlflowError, type Tracking } from './ask.ts';
import type { MlflowReference } from './reference.ts';

/** What a registry says of a version. */
export interface RegisteredVersion {
  readonly name: string;
  /** `7` */
  readonly version: string;
  readonly runId: string | undefined;
  /** Where its files are, for those who can reach that. */
  readonly source: string | undefined;
}

/** What a run was, as far as a card tells of it. */
export interface RunFacts {
  readonly experimentId: string | undefined;
  readonly metrics: Readonly<Record<string, number>>;
  readonly parameters: Readonly<Record<string, string>>;
}

const versionSchema = z.looseObject({
  name: z.string(),
  version: z.coerce.string(),
  run_id: z.string().nullish(),
  source: z.string().nullish(),
});
const ofVersion = z.looseObject({ model_version: versionSchema });
const ofVersions = z.looseObject({ model_versions: z.array(versionSchema).nullish() });
const ofUri = z.looseObject({ artifact_uri: z.string() });
const pairs = <T extends z.ZodType>(value: T) => z.array(z.looseObject({ key: z.string(), value })).nullish();
const ofRun = z.looseObject({
  run: z.looseObject({
    info: z.looseObject({ experiment_id: z.coerce.string().nullish() }),
    data: z.looseObject({ metrics: pairs(z.coerce.number()), params: pairs(z.string()) }).nullish(),
  }),
});
const ofFiles = z.looseObject({
  files: z.array(z.looseObject({ path: z.string(), is_dir: z.boolean().nullish() })).nullish(),
});

/** The REST API of an MLflow tracking server (mlflow.org, "REST API", 2.0), as far as an import needs it. */
export interface Registry {
  /** @throws MlflowError where there is no such version */
  find(reference: MlflowReference, signal: AbortSignal): Promise<RegisteredVersion>;
  run(id: string, signal: AbortSignal): Promise<RunFacts>;
  /** Where the server's proxy has a version's files. @throws MlflowError where they are elsewhere */
  artifactsOf(version: RegisteredVersion, signal: AbortSignal): Promise<string>;
  /** Paths beneath one, files and folders. */
  list(path: string, signal: AbortSignal): Promise<readonly { readonly path: string; readonly isFolder: boolean }[]>;
  download(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

export function createRegistry(tracking: Tracking): Registry {
  const asking = createAsking(tracking);
  const { base, get } = asking;
  const ask: Asking['ask'] = (schema, path, query, signal) => asking.ask(schema, `api/2.0/${path}`, query, signal);

  async function find({ name, by }: MlflowReference, signal: AbortSignal): Promise<RegisteredVersion> {
    const toVersion = ({ name, version, run_id, source }: z.infer<typeof versionSchema>): RegisteredVersion => ({
      name,
      version,
      runId: run_id || undefined,
      source: source || undefined,
    });
    if ('alias' in by) {
      const { model_version } = await ask(
        ofVersion,
        'mlflow/registered-models/alias',
        { name, alias: by.alias },
        signal,
      );
      return toVersion(model_version);
    }
    if ('version' in by) {
      const { model_version } = await ask(
        ofVersion,
        'mlflow/model-versions/get',
        { name, version: by.version },
        signal,
      );
      return toVersion(model_version);
    }
    const { stage: stages } = by;
    const { model_versions } = await ask(
      ofVersions,
      'mlflow/registered-models/get-latest-versions',
      { name, stages },
      signal,
    );
    const [latest] = model_versions ?? [];
    if (latest === undefined) throw new MlflowError(`${base}: no version of ${name} is in stage ${stages}`);
    return toVersion(latest);
  }

  return {
    find,
    run: (id, signal) => runFacts(asking.ask, id, signal),
    async artifactsOf({ name, version }, signal) {
      const { artifact_uri } = await ask(ofUri, 'mlflow/model-versions/get-download-uri', { name, version }, signal);
      const [, path] = /^mlflow-artifacts:\/+(.+)$/.exec(artifact_uri) ?? [];
      if (path !== undefined) return path.replace(/^[^/]*:\d+\//, '');
      throw new MlflowError(
        `${name} ${version} lies at ${artifact_uri}, which the server does not hand out: start it with --serve-artifacts`,
      );
    },
    async list(path, signal) {
      const { files } = await ask(ofFiles, 'mlflow-artifacts/artifacts', { path }, signal);
      return (files ?? []).map(file => ({
        path: `${path}/${file.path.split('/').at(-1)}`,
        isFolder: file.is_dir === true,
      }));
    },
    async download(path, signal) {
      const escaped = path.split('/').map(encodeURIComponent).join('/');
      return bodyOf(await get(`api/2.0/mlflow-artifacts/artifacts/${escaped}`, {}, signal), base, path);
    },
  };
}

/** What a run was, by MLflow's own API, which Databricks has, too. */
export async function runFacts(ask: Asking['ask'], run_id: string, signal: AbortSignal): Promise<RunFacts> {
  const { run } = await ask(ofRun, 'api/2.0/mlflow/runs/get', { run_id }, signal);
  const { metrics, params } = run.data ?? {};
  return {
    experimentId: run.info.experiment_id ?? undefined,
    metrics: Object.fromEntries((metrics ?? []).map(({ key, value }) => [key, value])),
    parameters: Object.fromEntries((params ?? []).map(({ key, value }) => [key, value])),
  };
}

/** @throws MlflowError where the answer has none */
export function bodyOf({ body }: Response, base: string, path: string): ReadableStream<Uint8Array> {
  if (body === null) throw new MlflowError(`${base}: ${path} is empty`);
  return body;
}
