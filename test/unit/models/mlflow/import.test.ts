import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { downloadVersion, onnxFileIn } from '../../../../src/models/mlflow/download.ts';
import { parseReference } from '../../../../src/models/mlflow/reference.ts';
import { createRegistry, type Registry } from '../../../../src/models/mlflow/registry.ts';
import { temporaryFolder } from '../../../support/models.ts';

const MLMODEL = `artifact_path: model
flavors:
  onnx:
    code: null
    data: model.onnx
    onnx_version: 1.17.0
    save_as_external_data: true
  python_function:
    data: model.onnx
    loader_module: mlflow.onnx
signature:
  inputs: '[{"type": "tensor"}]'
`;

const ROOT = '1/models/m-1/artifacts';
const FILES: Record<string, string> = {
  MLmodel: MLMODEL,
  'model.onnx': 'the graph',
  'model.onnx.data': 'the weights',
  'requirements.txt': 'onnx',
};

/** As an MLflow 3 tracking server answers that hands artifacts out itself. */
const ANSWERS: Record<string, object> = {
  'mlflow/registered-models/alias?name=churn&alias=champion': {
    model_version: { name: 'churn', version: '7', run_id: 'r1', source: 'models:/m-1' },
  },
  'mlflow/model-versions/get?name=churn&version=6': { model_version: { name: 'churn', version: '6', run_id: '' } },
  'mlflow/model-versions/get?name=churn&version=5': { model_version: { name: 'churn', version: '5', run_id: '' } },
  'mlflow/registered-models/get-latest-versions?name=churn&stages=Production': {
    model_versions: [{ name: 'churn', version: '6' }],
  },
  'mlflow/registered-models/get-latest-versions?name=churn&stages=Staging': {},
  'mlflow/model-versions/get-download-uri?name=churn&version=7': { artifact_uri: `mlflow-artifacts:/${ROOT}` },
  'mlflow/model-versions/get-download-uri?name=churn&version=6': { artifact_uri: 's3://bucket/models' },
  'mlflow/model-versions/get-download-uri?name=churn&version=5': { artifact_uri: 'mlflow-artifacts:/sk' },
  'mlflow/runs/get?run_id=r1': {
    run: {
      info: { experiment_id: '3' },
      data: { metrics: [{ key: 'auc', value: 0.83 }], params: [{ key: 'depth', value: '4' }] },
    },
  },
  [`mlflow-artifacts/artifacts?path=${encodeURIComponent(ROOT)}`]: {
    files: [...Object.keys(FILES).map(path => ({ path, is_dir: false })), { path: 'metadata', is_dir: true }],
  },
};

describe('an import', () => {
  const folder = temporaryFolder();
  let server: Server;
  let registry: Registry;
  const authorizations = new Set<string | undefined>();
  const { signal } = new AbortController();
  beforeAll(async () => {
    server = createServer(({ url = '', headers }, response) => {
      authorizations.add(headers.authorization);
      const asked = url.replace('/prefix/api/2.0/', '');
      const file = asked.replace('mlflow-artifacts/artifacts/', '');
      const content =
        file === 'sk/MLmodel'
          ? 'flavors:\n  sklearn:\n    pickled_model: m.pkl\n'
          : FILES[file.replace(`${ROOT}/`, '')];
      const answer = ANSWERS[asked];
      if (answer !== undefined) response.end(JSON.stringify(answer));
      else if (content !== undefined) response.end(content);
      else
        response.writeHead(404).end(JSON.stringify({ error_code: 'RESOURCE_DOES_NOT_EXIST', message: `no ${asked}` }));
    });
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    registry = createRegistry({ url: `http://127.0.0.1:${port}/prefix/`, authorization: 'Bearer t' });
  });
  afterAll(() => {
    server.close();
    folder.remove();
  });
  const download = (reference: string) =>
    downloadVersion(registry, parseReference(reference), join(folder.path, 'm'), signal);

  it('brings the file, its weights beside it, and what the registry knows in the card', async () => {
    const { registered, file, card } = await download('mlflow:/churn@champion');
    expect(registered).toMatchObject({ name: 'churn', version: '7' });
    expect(readFileSync(file, 'utf8')).toBe('the graph');
    expect(readFileSync(`${file}.data`, 'utf8')).toBe('the weights');
    expect(JSON.parse(readFileSync(card, 'utf8'))).toEqual({
      experiment_id: '3',
      metrics: { auc: 0.83 },
      hyperparameters: { depth: '4' },
      mlflow: { name: 'churn', version: '7', run_id: 'r1', signature: '[{"type": "tensor"}]' },
    });
    expect([...authorizations]).toEqual(['Bearer t']);
  });

  it.each([
    ['mlflow:/churn@nobody', 'no mlflow/registered-models/alias'],
    ['mlflow:/churn/Staging', 'no version of churn is in stage Staging'],
    ['mlflow:/churn/Production', 'churn 6 lies at s3://bucket/models, which the server does not hand out'],
    ['mlflow:/churn/5', 'churn 5 has no flavour onnx (it has sklearn)'],
  ])('of %s says what is missing', async (reference, words) => {
    await expect(download(reference)).rejects.toThrow(words);
  });

  it('says where nothing answers', async () => {
    const away = createRegistry({ url: 'http://127.0.0.1:9', authorization: undefined });
    await expect(away.find(parseReference('mlflow:/m/1'), signal)).rejects.toThrow(
      'http://127.0.0.1:9 does not answer',
    );
  });
});

describe('a reference', () => {
  it.each([
    ['mlflow:/churn@champion', { name: 'churn', by: { alias: 'champion' } }],
    ['mlflow:/main.ml.churn/12', { name: 'main.ml.churn', by: { version: '12' } }],
    ['models:/churn/Production', { name: 'churn', by: { stage: 'Production' } }],
  ])('%s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  it.each(['churn', 'mlflow:/churn', 'mlflow:/@a', 'http://x/churn/1'])('is none: %s', text => {
    expect(() => parseReference(text)).toThrow('expected mlflow:/NAME@ALIAS');
  });
});

describe('an MLmodel', () => {
  it('names the file of its onnx flavour alone', () => {
    expect(onnxFileIn(MLMODEL)).toBe('model.onnx');
    expect(onnxFileIn(MLMODEL.replace('  onnx:', '  tensorflow:'))).toBeUndefined();
  });
});
