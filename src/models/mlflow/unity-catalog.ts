import { z } from 'zod';
import { createAsking, MlflowError, type Tracking } from './ask.ts';
import type { MlflowReference } from './reference.ts';
import { bodyOf, type RegisteredVersion, type Registry, runFacts } from './registry.ts';

const versionSchema = z.looseObject({
  version: z.coerce.string(),
  run_id: z.string().nullish(),
  source: z.string().nullish(),
  status: z.string().nullish(),
});
const contentsSchema = z.looseObject({
  contents: z.array(z.looseObject({ path: z.string(), is_directory: z.boolean().nullish() })).nullish(),
  next_page_token: z.string().nullish(),
});

/** What a caller without rights, or of another workspace than the run's, gets. */
const NOT_FOR_US: readonly (number | undefined)[] = [403, 404];

/**
 * Models in Unity Catalog by the REST API of a Databricks workspace (docs.databricks.com, "Model Versions", "Registered Models" and "Files"): versions by
 * `api/2.1/unity-catalog/models`, their files by `api/2.0/fs` beneath `/Models/<catalog>/<schema>/<model>/<version>`, which is where MLflow's own client has them.
 */
export function createUnityCatalog(tracking: Tracking): Registry {
  const { base, get, ask } = createAsking(tracking);

  async function find({ name, by }: MlflowReference, signal: AbortSignal): Promise<RegisteredVersion> {
    if (name.split('.').length !== 3) throw new MlflowError(`${name}: expected CATALOG.SCHEMA.MODEL in Unity Catalog`);
    if ('stage' in by) {
      throw new MlflowError(
        `${name}: there is no stage ${by.stage} in Unity Catalog, which has aliases: ${name}@champion`,
      );
    }
    const model = `api/2.1/unity-catalog/models/${encodeURIComponent(name)}`;
    const place = 'alias' in by ? `aliases/${encodeURIComponent(by.alias)}` : `versions/${by.version}`;
    const { version, run_id, source, status } = await ask(versionSchema, `${model}/${place}`, {}, signal);
    if (status && status !== 'READY') throw new MlflowError(`${name} ${version} is ${status}, not READY`);
    return { name, version, runId: run_id || undefined, source: source || undefined };
  }

  return {
    find,
    async run(id, signal) {
      try {
        return await runFacts(ask, id, signal);
      } catch (thrown) {
        // A model may be had without its run, which can be of another workspace.
        if (!(thrown instanceof MlflowError && NOT_FOR_US.includes(thrown.status))) throw thrown;
        return { experimentId: undefined, metrics: {}, parameters: {} };
      }
    },
    artifactsOf: async ({ name, version }) => `Models/${name.replaceAll('.', '/')}/${version}`,
    async list(path, signal) {
      const files: { readonly path: string; readonly isFolder: boolean }[] = [];
      let page: string | undefined;
      do {
        const query: Record<string, string> = page === undefined ? {} : { page_token: page };
        const said = await ask(contentsSchema, `api/2.0/fs/directories/${escaped(path)}`, query, signal);
        for (const each of said.contents ?? []) {
          files.push({
            path: `${path}/${each.path.replace(/\/+$/, '').split('/').at(-1)}`,
            isFolder: each.is_directory === true,
          });
        }
        page = said.next_page_token || undefined;
      } while (page !== undefined);
      return files;
    },
    download: async (path, signal) => bodyOf(await get(`api/2.0/fs/files/${escaped(path)}`, {}, signal), base, path),
  };
}

const escaped = (path: string) => path.split('/').map(encodeURIComponent).join('/');

/** Where a workspace is; undefined: another server than Databricks. @param url as `--tracking-uri` has it; `databricks` and `databricks-uc` mean the workspace of the environment */
export function workspaceOf(url: string, host: string | undefined): string | undefined {
  if (/^databricks(-uc)?$/.test(url)) {
    if (!host) throw new MlflowError('which workspace? DATABRICKS_HOST is not set');
    return /^https?:\/\//.test(host) ? host : `https://${host}`;
  }
  const { hostname } = new URL(url);
  return /\.(azuredatabricks\.net|databricks\.com|databricks\.azure\.us|databricks\.azure\.cn)$/.test(hostname)
    ? url
    : undefined;
}
