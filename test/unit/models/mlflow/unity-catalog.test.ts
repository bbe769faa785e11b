import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRegistry } from '../../../../src/cli/models-import.ts';
import { downloadVersion } from '../../../../src/models/mlflow/download.ts';
import { parseReference } from '../../../../src/models/mlflow/reference.ts';
import { createUnityCatalog, workspaceOf } from '../../../../src/models/mlflow/unity-catalog.ts';
import { temporaryFolder } from '../../../support/models.ts';
import { ONNX_MLMODEL, startUnityCatalog, TOKEN, type UnityCatalog } from '../../../support/unity-catalog.ts';

const NAME = 'main.ml.churn';
const FILES = {
  MLmodel: ONNX_MLMODEL,
  'model.onnx': 'the graph',
  'model.onnx.data': 'the weights',
  'requirements.txt': 'onnx',
  'conda.yaml': 'name: x',
};
const { signal } = new AbortController();
const folder = temporaryFolder();
let server: UnityCatalog;

beforeAll(async () => {
  const versions = {
    '3': { runId: 'r1', files: FILES },
    '4': { runId: 'of-another-workspace', files: FILES },
    '5': { status: 'PENDING_REGISTRATION', files: {} },
    '6': { files: { MLmodel: 'flavors:\n  sklearn:\n    pickled_model: m.pkl\n' } },
  };
  server = await startUnityCatalog(NAME, versions, { champion: '3' });
});
beforeEach(() => void server.asked.splice(0));
afterAll(() => {
  server.stop();
  folder.remove();
});

const environment = () => ({ DATABRICKS_HOST: server.url, DATABRICKS_TOKEN: TOKEN });

function download(text: string, to: string, trackingUri = 'databricks-uc') {
  const reference = parseReference(text);
  const registry = openRegistry({ environment: environment() }, { trackingUri }, reference);
  return downloadVersion(registry, reference, join(folder.path, to), signal);
}

describe('an import from Unity Catalog', () => {
  it('brings the file, its weights beside it, and what the run knows in the card, by the alias', async () => {
    const { registered, file, card } = await download(`mlflow:/${NAME}@champion`, 'a');
    expect(registered).toEqual({ name: NAME, version: '3', runId: 'r1', source: 'dbfs:/x' });
    expect(readFileSync(file, 'utf8')).toBe('the graph');
    expect(readdirSync(join(folder.path, 'a')).sort()).toEqual(['model.json', 'model.onnx', 'model.onnx.data']);
    expect(JSON.parse(readFileSync(card, 'utf8'))).toEqual({
      experiment_id: '3',
      metrics: { auc: 0.83 },
      hyperparameters: { depth: '4' },
      mlflow: { name: NAME, version: '3', run_id: 'r1', signature: '[{"type": "tensor"}]' },
    });
    expect(server.asked.filter(path => path.includes('/fs/directories/'))).toHaveLength(3); // two files a page
  });

  it('does without a run that is of another workspace', async () => {
    const { registered, card } = await download(`models:/${NAME}/4`, 'b', 'databricks');
    expect(registered.version).toBe('4');
    expect(JSON.parse(readFileSync(card, 'utf8'))).toMatchObject({
      metrics: {},
      mlflow: { run_id: 'of-another-workspace' },
    });
  });

  it.each([
    [`mlflow:/${NAME}@nobody`, 'has no aliases nobody'],
    [`mlflow:/${NAME}/5`, `${NAME} 5 is PENDING_REGISTRATION, not READY`],
    [`mlflow:/${NAME}/6`, `${NAME} 6 has no flavour onnx (it has sklearn)`],
    [`mlflow:/${NAME}/Production`, 'there is no stage Production in Unity Catalog'],
    ['mlflow:/ml.churn/3', 'expected CATALOG.SCHEMA.MODEL'],
  ])('of %s says what is missing', async (reference, words) => {
    await expect(download(reference, 'c')).rejects.toThrow(words);
  });

  it('says where the token is not let in', async () => {
    const registry = createUnityCatalog({ url: server.url, authorization: undefined });
    await expect(registry.find(parseReference(`mlflow:/${NAME}/3`), signal)).rejects.toThrow(
      `unity-catalog/models/${NAME}/versions/3 with 401: Credential was not sent`,
    );
  });
});

describe('the workspace', () => {
  it.each([
    ['databricks-uc', 'adb-1.2.azuredatabricks.net', 'https://adb-1.2.azuredatabricks.net'],
    ['databricks', 'http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['https://adb-1.2.azuredatabricks.net', undefined, 'https://adb-1.2.azuredatabricks.net'],
    ['https://x.cloud.databricks.com/', undefined, 'https://x.cloud.databricks.com/'],
    ['http://mlflow:5000', 'https://adb-1.2.azuredatabricks.net', undefined],
    ['https://azuredatabricks.net.evil.example', undefined, undefined],
  ])('of %s', (url, host, expected) => {
    expect(workspaceOf(url, host)).toBe(expected);
  });

  it('must be named by the environment where the address does not', () => {
    const reference = parseReference(`mlflow:/${NAME}/3`);
    const open = () => openRegistry({ environment: {} }, { trackingUri: 'databricks-uc' }, reference);
    expect(open).toThrow('DATABRICKS_HOST is not set');
  });

  it('gets its token alone: another server does not', async () => {
    const reference = parseReference('mlflow:/churn/3');
    const registry = openRegistry({ environment: environment() }, { trackingUri: server.url }, reference);
    await expect(registry.find(reference, signal)).rejects.toThrow('with 401');
  });
});
