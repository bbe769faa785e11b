import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const TOKEN = 'dapi-of-the-test';

/** A version in Unity Catalog. */
export interface CatalogVersion {
  readonly status?: string;
  readonly runId?: string;
  readonly files: Readonly<Record<string, string | Uint8Array>>;
}

export interface UnityCatalog {
  readonly url: string;
  /** Paths asked for, with their query. */
  readonly asked: string[];
  stop(): void;
}

/** Over HTTP, as much of a Databricks workspace as an import needs: versions and aliases of one model, files two a page, and one run. */
export async function startUnityCatalog(
  name: string,
  versions: Readonly<Record<string, CatalogVersion>>,
  aliases: Readonly<Record<string, string>>,
): Promise<UnityCatalog> {
  const asked: string[] = [];
  const [catalog_name, schema_name, model_name] = name.split('.');
  const refuse = (status: number, error_code: string, message: string) =>
    new Response(JSON.stringify({ error_code, message }), { status });
  const json = (value: object) => new Response(JSON.stringify(value));

  function answer({ pathname, searchParams }: URL): Response {
    const model = `/api/2.1/unity-catalog/models/${name}/`;
    if (pathname.startsWith(model)) {
      const [kind, which = ''] = pathname.slice(model.length).split('/');
      const version = kind === 'aliases' ? aliases[which] : which;
      const found = versions[version ?? ''];
      if (found === undefined)
        return refuse(404, 'RESOURCE_DOES_NOT_EXIST', `Routine or Model '${name}' has no ${kind} ${which}.`);
      const { status = 'READY', runId } = found;
      return json({
        catalog_name,
        schema_name,
        model_name,
        version: Number(version),
        status,
        run_id: runId,
        source: 'dbfs:/x',
      });
    }
    if (pathname === '/api/2.0/mlflow/runs/get') {
      if (searchParams.get('run_id') !== 'r1') return refuse(403, 'PERMISSION_DENIED', 'of another workspace');
      return json({
        run: {
          info: { experiment_id: '3' },
          data: { metrics: [{ key: 'auc', value: 0.83 }], params: [{ key: 'depth', value: '4' }] },
        },
      });
    }
    const [, root = '', version = '', path = ''] =
      /^(\/api\/2\.0\/fs\/(?:files|directories)\/Models\/[^/]+\/[^/]+\/[^/]+\/)([^/]+)\/?(.*)$/.exec(pathname) ?? [];
    const isMeant = root.endsWith(`/Models/${name.replaceAll('.', '/')}/`);
    const files = isMeant ? (versions[version]?.files ?? {}) : {};
    if (root.includes('/fs/files/')) {
      const content = files[path];
      return content === undefined ? refuse(404, 'NOT_FOUND', `no ${path}`) : new Response(Buffer.from(content));
    }
    const names = Object.keys(files).filter(file => file.startsWith(path === '' ? '' : `${path}/`));
    if (names.length === 0) return refuse(404, 'NOT_FOUND', `no ${pathname}`);
    const from = Number(searchParams.get('page_token') ?? 0);
    const contents = names.slice(from, from + 2).map(file => ({
      path: `/Models/${name.replaceAll('.', '/')}/${version}/${file}`,
      name: file,
      is_directory: false,
      file_size: 1,
    }));
    return json({ contents, ...(from + 2 < names.length && { next_page_token: String(from + 2) }) });
  }

  const server = createServer(async ({ url = '', headers }, response) => {
    asked.push(url);
    const isIn = headers.authorization === `Bearer ${TOKEN}`;
    const said = isIn
      ? answer(new URL(url, 'http://workspace'))
      : refuse(401, 'UNAUTHENTICATED', 'Credential was not sent');
    response.writeHead(said.status).end(Buffer.from(await said.arrayBuffer()));
  });
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, stop: () => void server.close() };
}

/** As `mlflow.onnx.log_model` writes it. */
export const ONNX_MLMODEL = `artifact_path: model
flavors:
  onnx:
    code: null
    data: model.onnx
    onnx_version: 1.17.0
  python_function:
    data: model.onnx
    loader_module: mlflow.onnx
signature:
  inputs: '[{"type": "tensor"}]'
`;
