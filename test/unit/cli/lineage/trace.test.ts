import { describe, expect, it } from 'vitest';
import { factsOf, requestShown, unknownOf } from '../../../../src/cli/lineage/describe.ts';
import { parseResultId, type ResultId, traceResult } from '../../../../src/cli/lineage/trace.ts';
import { letterEvent, NINE, resultEvent } from '../../../support/endings.ts';
import { MemoryHub, memoryReader } from '../../../support/memory-hub.ts';

const never = new AbortController().signal;
const HUB = 'inference-requests';

function world() {
  const [requests, results, letters] = [new MemoryHub(HUB), new MemoryHub('results'), new MemoryHub('letters')];
  const read = (hub: MemoryHub) => memoryReader(hub, () => {});
  const hubs = { requests: read(requests), results: read(results), deadLetters: read(letters) };
  const ask = (properties = {}) =>
    requests.append(
      { body: Buffer.from('{"features":[1]}'), messageId: undefined, correlationId: undefined, properties },
      NINE,
    );
  return {
    ...{ requests, results, letters, ask },
    trace: (id: string) => traceResult(hubs, id, parseResultId(id) as ResultId, never),
  };
}

describe('a result id', () => {
  it.each([
    ['inference-requests/2/1841', { hub: HUB, partition: '2', sequenceNumber: 1841, part: undefined }],
    ['inference-requests/2/1841/3', { hub: HUB, partition: '2', sequenceNumber: 1841, part: 3 }],
    ['a-17', undefined],
    ['inference-requests/2/x', undefined],
  ])('%s', (text, at) => {
    expect(parseResultId(text)).toEqual(at);
  });
});

describe('a trace', () => {
  it('has a request and its ending, wherever that is', async () => {
    const { ask, results, letters, trace } = world();
    for (let i = 0; i < 3; i++) ask();
    results.append(resultEvent({ sequenceNumber: 0 }), NINE + 100);
    letters.append(letterEvent({ sequenceNumber: 1, code: 'inference_failed' }), NINE + 100);
    results.append(resultEvent({ sequenceNumber: 2 }), NINE + 200);
    expect(await trace(`${HUB}/0/2`)).toMatchObject({
      ...{ requests: 'there', request: { sequenceNumber: 2 } },
      ending: { kind: 'result', event: { messageId: `${HUB}/0/2` } },
    });
    expect((await trace(`${HUB}/0/1`)).ending).toMatchObject({ kind: 'dead-letter', hub: 'letters' });
  });
  it('says what never was, what is over, and what is to come', async () => {
    const { ask, requests, results, trace } = world();
    for (let i = 0; i < 12; i++) ask();
    for (let i = 0; i < 10; i++) results.append(resultEvent({ sequenceNumber: i }), NINE + 100);
    expect((await trace(`${HUB}/0/12`)).requests).toBe('never');
    expect((await trace(`${HUB}/7/0`)).requests).toBe('never');
    expect(await trace(`${HUB}/0/11`)).toMatchObject({ requests: 'there', ending: undefined, isSettled: false });
    requests.expire(5);
    expect(await trace(`${HUB}/0/3`)).toMatchObject({ requests: 'expired', ending: { kind: 'result' } });
    results.expire(8);
    const gone = await trace(`${HUB}/0/6`);
    expect(gone).toMatchObject({ requests: 'there', ending: undefined, isSettled: true });
    const words = unknownOf(gone, factsOf(gone), { isReplaced: false, hasFiles: true, state: true, app: true });
    expect(words).toEqual(['what was answered, and by which version: its ending is older than what its hub keeps']);
  });
  it('reads a few blocks of a long hub, not all of it', async () => {
    const { ask, results, trace } = world();
    for (let i = 0; i < 500; i++) {
      ask();
      results.append(resultEvent({ sequenceNumber: i }), NINE + 100);
    }
    results.append({ ...resultEvent({ sequenceNumber: 499 }), messageId: `${HUB}/0/3/1` }, NINE + 100);
    // The mark behind the third says that nothing more comes for it.
    expect((await trace(`${HUB}/0/3/1`)).ending).toBeUndefined();
  });
});

describe('what is told of it', () => {
  const at = parseResultId(`${HUB}/0/0`) as ResultId;
  it('names a replay, a cached answer and files that were replaced', async () => {
    const { ask, results, trace } = world();
    ask({ attempts: 2 });
    results.append(resultEvent({ sequenceNumber: 0, flags: { cached: true } }), NINE + 100);
    const found = await trace(`${HUB}/0/0`);
    expect(requestShown(at, found.request as never, undefined)).toMatchObject({
      ...{ hub: HUB, partition: '0', sequence_number: 0, replayed: true, attempts: 2, body: '{"features":[1]}' },
    });
    const words = unknownOf(found, factsOf(found), { isReplaced: true, hasFiles: true, state: true, app: false });
    expect(words.map(each => each.split(':')[0])).toEqual([
      'which files answered',
      'which build of the app answered',
      'which run computed it',
      'which dead letter it was replayed from',
    ]);
  });
  it('has bytes that are no text as base64', async () => {
    const { requests, trace, results } = world();
    requests.append(
      { body: Buffer.from([0xff, 0x00]), messageId: undefined, correlationId: undefined, properties: {} },
      NINE,
    );
    results.append(resultEvent({ sequenceNumber: 0 }), NINE + 1);
    const { request } = await trace(`${HUB}/0/0`);
    expect(requestShown(at, request as never, undefined)).toMatchObject({ body: '/wA=', body_encoding: 'base64' });
  });
});
