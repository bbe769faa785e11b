import { z } from 'zod';
import { faults } from '../../core/schema-faults.ts';
import type { MlflowReference } from './reference.ts';

/** How a registry is reached: its address, and the header that lets one in. */
export interface Tracking {
  /** `http://localhost:5000`; a path before `/api` is kept. */
  readonly url: string;
  readonly authorization: string | undefined;
}

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

/** A registry does not have what was asked for, or does not say it; the message names both. */
export class MlflowError extends Error {
  override readonly name = 'MlflowError';
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

export function createRegistry({ url, authorization }: Tracking): Registry {
  const base = url.replace(/\/+$/, '');
  const headers = authorization === undefined ? {} : { authorization };

  async function get(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
    const asked = new URL(`${base}/api/2.0/${path}`);
    for (const [name, value] of Object.entries(query)) asked.searchParams.set(name, value);
    let response: Response;
    try {
      response = await fetch(asked, { headers, signal });
    } catch (thrown) {
      signal.throwIfAborted();
      const cause = (thrown as Error).cause;
      throw new MlflowError(`${base} does not answer: ${cause instanceof Error ? cause.message : thrown}`, {
        cause: thrown,
      });
    }
    if (response.ok) return response;
    const said = await response.text().catch(() => '');
    const { message } = (parsed(said) ?? {}) as { message?: string };
    throw new MlflowError(`${base} answers ${path} with ${response.status}: ${(message ?? said).slice(0, 300)}`);
  }

  async function ask<T>(
    schema: z.ZodType<T>,
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<T> {
    const value = parsed(await (await get(path, query, signal)).text());
    const read = schema.safeParse(value);
    if (read.success) return read.data;
    throw new MlflowError(`what ${base} says to ${path} is not MLflow's: ${faults(read.error, value)}`);
  }

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
    async run(run_id, signal) {
      const { run } = await ask(ofRun, 'mlflow/runs/get', { run_id }, signal);
      const { metrics, params } = run.data ?? {};
      return {
        experimentId: run.info.experiment_id ?? undefined,
        metrics: Object.fromEntries((metrics ?? []).map(({ key, value }) => [key, value])),
        parameters: Object.fromEntries((params ?? []).map(({ key, value }) => [key, value])),
      };
    },
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
      const { body } = await get(`mlflow-artifacts/artifacts/${escaped}`, {}, signal);
      if (body === null) throw new MlflowError(`${base}: ${path} is empty`);
      return body;
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
