import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hubscoreVerify } from '../chaos/hubscore-verify.ts';
import { type Stack, startStack } from '../chaos/stack.ts';
import { watchEndings } from '../chaos/watch.ts';
import { DEADLY } from '../support/deadly-runs.ts';
import { DEAD_LETTERS, RESULTS, readAll, sendRequests } from '../support/scoring.ts';

const HOOK = pathToFileURL(resolve(import.meta.dirname, '../support/deadly-runs.ts')).href;
const PARTITIONS = ['0', '1', '2', '3'];

let stack: Stack;
beforeAll(async () => {
  const settings = {
    NODE_OPTIONS: `--import ${HOOK}`,
    INFERENCE_TIMEOUT_SECONDS: '2',
    MODEL_LOAD_TIMEOUT_SECONDS: '15',
  };
  stack = await startStack({ hosts: 1, redis: false, settings });
});
afterAll(async () => stack?.close());

const bodyOf = (id: string, first: number) =>
  JSON.stringify({
    request_id: id,
    model: 'diabetes',
    features: [first, ...Array.from({ length: 9 }, (_, i) => i / 10)],
  });

describe('events that kill their process', () => {
  it('end as such, all others in order, and the host goes on', async () => {
    const { connectionString } = stack.eventHubs;
    const deadly = new Map([
      ['0-7', DEADLY.crash],
      ['0-8', DEADLY.crash],
      ['1-100', DEADLY.crash],
      ['2-249', DEADLY.crash],
      ['3-30', DEADLY.hang],
    ]);
    for (const partition of PARTITIONS) {
      const ids = Array.from({ length: 250 }, (_, i) => `${partition}-${i}`);
      await sendRequests(
        connectionString,
        partition,
        ids.map((id, i) => bodyOf(id, deadly.get(id) ?? i)),
      );
    }
    expect(await watchEndings(connectionString).settled(150_000), stack.log()).toBe(true);
    for (const partition of PARTITIONS) {
      const bodies = async (hub: string) =>
        (await readAll(connectionString, hub, partition)).map(({ body }) => JSON.parse(String(body)));
      const ids = Array.from({ length: 250 }, (_, i) => `${partition}-${i}`);
      const [results, letters] = [await bodies(RESULTS), await bodies(DEAD_LETTERS)];
      expect(results.map(({ request_id }) => request_id)).toEqual(ids.filter(id => !deadly.has(id)));
      expect(letters.map(({ body }) => JSON.parse(body).request_id)).toEqual(ids.filter(id => deadly.has(id)));
      for (const { error } of letters) {
        expect(error).toMatchObject({
          code: 'inference_failed',
          message: expect.stringMatching(
            /^scored alone it took the process with it, twice: the scoring process (was ended by SIGSEGV|did not answer within)/,
          ),
        });
      }
    }
    expect(await hubscoreVerify(connectionString)).toMatchObject({
      exitCode: 0,
      missing: 0,
      repeated: 0,
      outOfOrder: 0,
    });
    expect(stack.log()).not.toMatch(/Exceeded language worker restart/);
    console.log(
      stack
        .log()
        .split('\n')
        .filter(l => /functions host|process|running/.test(l))
        .join('\n'),
    );
  }, 200_000);
});
