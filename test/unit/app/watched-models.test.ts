import { describe, expect, it } from 'vitest';
import { createWatchedModels } from '../../../src/app/watched-models.ts';
import { allCodecs } from '../../../src/codecs/decoder.ts';
import { storeProfile } from '../../../src/drift/profile.ts';
import { trainedOn } from '../../support/drift.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { createRandom } from '../../support/seeded-random.ts';

const never = new AbortController().signal;
const PROFILE = storeProfile(trainedOn(createRandom(1), 100));

function world() {
  const blobs = memoryBlobs();
  const said: string[] = [];
  const log = { info() {}, warn: (words: string) => void said.push(words), error() {} };
  const codecs = allCodecs();
  const watched = createWatchedModels({ blobs, codecs, defaultModel: undefined, log });
  const version = (path: string, profile?: string) => {
    blobs.put(`${path}/model.onnx`, 'onnx');
    if (profile !== undefined) blobs.put(`${path}/profile.json`, profile);
  };
  return { blobs, said, version, look: () => watched(never) };
}

describe('the models that are watched', () => {
  it('are those with a profile, found by name, version, range and alias as requests are routed', async () => {
    const { blobs, version, look } = world();
    version('churn/1.0.0', PROFILE);
    version('churn/1.1.0', PROFILE);
    version('churn/2.0.0');
    const first = await look();
    expect(first.versions.map(each => each.version)).toEqual(['1.0.0', '1.1.0']);
    expect(first.find(undefined, undefined)).toEqual([]); // production is 2.0.0, which has none
    expect(first.productionOf('churn')).toBe('2.0.0');
    blobs.put('churn/deployment.json', { aliases: { production: '1.0.0', Beta: '1.1.0' } });
    version('other/1.0.0');
    const { find } = await look();
    const found = [
      ['churn'],
      ['churn', '1.1.0'],
      ['churn', 'v1'],
      ['churn', 'beta'],
      ['churn', '2.0.0'],
      ['other'],
      [],
    ];
    expect(found.map(([model, asked]) => find(model, asked)[0]?.version)).toEqual([
      ...['1.0.0', '1.1.0', '1.1.0', '1.1.0'],
      ...[undefined, undefined, undefined],
    ]);
  });

  it('are both arms of a rollout, for requests that name no version', async () => {
    const { blobs, version, look } = world();
    for (const each of ['1.0.0', '1.1.0']) version(`churn/${each}`, PROFILE);
    const time = '2026-11-20T08:00:00Z';
    const rollout = {
      ...{ id: 'ro_1', kind: 'canary', phase: 'running', candidate: '1.1.0', baseline: '1.0.0', weight: 5 },
      ...{ started_at: time, effective_at: time, duration: '24h', on_undecided: 'hold', alpha: 0.05, triggers: [] },
    };
    const versions = async (phase: string, ...asked: readonly string[]) => {
      blobs.put('churn/deployment.json', { aliases: { production: '1.0.0' }, rollout: { ...rollout, phase } });
      return (await look()).find('churn', asked[0]).map(each => each.version);
    };
    expect(await versions('running')).toEqual(['1.0.0', '1.1.0']);
    expect(await versions('running', '1.0.0')).toEqual(['1.0.0']);
    expect(await versions('rolled_back')).toEqual(['1.0.0']);
  });

  it('read their events as the card says', async () => {
    const { blobs, version, look } = world();
    version('churn/1.0.0', PROFILE);
    blobs.put('churn/1.0.0/model.json', {
      features: [{ name: 'tenure' }, { name: 'Contract' }],
      input: { records: '$.items[*]', row: '$.data' },
    });
    const { decoder } = await look();
    const body = Buffer.from(JSON.stringify({ items: [{ data: { tenure: 3 } }, { data: { tenure: 4 } }] }));
    const event = { body, sequenceNumber: 0, enqueuedAtMs: 0, partitionKey: undefined, contentType: undefined };
    const decoded = await decoder.decode({ ...event, contentEncoding: undefined, properties: { model: 'churn' } });
    expect(decoded.map(each => 'features' in each && each.features)).toEqual([{ tenure: 3 }, { tenure: 4 }]);
  });

  it('pass over a profile that does not parse, and say so once', async () => {
    const { said, version, look } = world();
    version('churn/1.0.0', '{"schema": 9}');
    version('churn/1.1.0', PROFILE);
    expect((await look()).versions.map(each => each.version)).toEqual(['1.1.0']);
    await look();
    expect(said).toEqual([expect.stringMatching(/^a profile or card is not read: churn\/1\.0\.0\/profile\.json: /)]);
  });
});
