import { describe, expect, it } from 'vitest';
import { listingOf } from '../../../src/models/listing.ts';
import { memoryStore } from '../../support/memory-store.ts';

const blobs = (...paths: string[]) => paths.map((path, i) => ({ path, etag: `"${i}"`, bytes: i }));

describe('what lies in the container', () => {
  it('is sorted into models and versions, whatever the order', () => {
    const { models } = listingOf(
      blobs(
        'churn/deployment.json',
        'churn/1.0.0/model.json',
        'churn/1.0.0/model.onnx',
        'churn/1.1.0-rc.1/model.onnx',
        'topic/2.0.0/model.onnx',
      ),
    );
    expect([...models.keys()]).toEqual(['churn', 'topic']);
    expect(models.get('churn')).toMatchObject({ deploymentEtag: '"0"' });
    expect([...models.get('churn')!.versions.values()]).toEqual([
      { name: 'churn', version: '1.0.0', modelEtag: '"2"', cardEtag: '"1"', bytes: 2 },
      { name: 'churn', version: '1.1.0-rc.1', modelEtag: '"3"', cardEtag: undefined, bytes: 3 },
    ]);
  });

  it('is left out where it is no model; a folder that is no version is named', () => {
    const { models, ignored } = listingOf(
      blobs(
        'readme.md',
        'a/model.onnx',
        'a/1.0.0/other.onnx',
        'a/1.0.0/deep/model.onnx',
        'a/latest/model.onnx',
        'a/v1.0.0/model.onnx',
        'b/deployment.json',
      ),
    );
    expect(models.size).toBe(0);
    expect(ignored).toEqual([
      'a/latest/model.onnx: ignored, since latest is no semantic version like 1.0.0',
      'a/v1.0.0/model.onnx: ignored, since v1.0.0 is no semantic version like 1.0.0',
    ]);
  });
});

describe('a card that lies there alone', () => {
  const card = 'm/1.0.0/model.json';
  const versions = async (store: ReturnType<typeof memoryStore>) => [
    ...((await store.list(AbortSignal.timeout(5_000))).models.get('m')?.versions.values() ?? []),
  ];

  it('is a version where it names a server, and one whose file is still on its way where it does not', async () => {
    const store = memoryStore();
    store.put(card, Buffer.from('{"batching": {}}'));
    store.put('m/1.1.0/model.json', Buffer.from('no JSON'));
    expect(await versions(store)).toEqual([]);
    store.put(card, Buffer.from('{"backend": {"kind": "mlflow", "url": "http://models"}}'));
    expect(await versions(store)).toEqual([
      expect.objectContaining({ name: 'm', version: '1.0.0', cardOnly: true, bytes: 0 }),
    ]);
    store.put(card, Buffer.from('{"ensemble": {"members": [{"model": "a", "version": "1.0.0"}]}}'));
    expect(await versions(store)).toHaveLength(1);
    store.put(card, Buffer.from('{"backends": [{"kind": "mlflow", "url": "http://models"}]}'));
    expect(await versions(store)).toHaveLength(1);
    store.put(card, Buffer.from('{"backends": [{"kind": "onnx"}, {"kind": "mlflow", "url": "http://models"}]}'));
    expect(await versions(store)).toEqual([]);
    store.put('m/1.0.0/model.onnx', Buffer.from('a model'));
    expect(await versions(store)).toEqual([expect.not.objectContaining({ cardOnly: true })]);
  });
});
