import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hubscoreVerify } from '../chaos/hubscore-verify.ts';
import { type Stack, startStack } from '../chaos/stack.ts';
import { watchEndings } from '../chaos/watch.ts';
import { DEADLY, DEADLY_RUNS } from '../support/deadly.ts';
import { DEAD_LETTERS, RESULTS, readAll, sendRequests } from '../support/scoring.ts';

const PARTITIONS = ['0', '1', '2', '3'];

let stack: Stack;
beforeEach(async () => {
  const settings = {
    NODE_OPTIONS: DEADLY_RUNS,
    INFERENCE_TIMEOUT_SECONDS: '2',
    MODEL_LOAD_TIMEOUT_SECONDS: '15',
  };
  stack = await startStack({ hosts: 1, redis: false, settings });
});
afterEach(async () => stack?.close());

const bodyOf = (id: string, first: number) =>
  JSON.stringify({
    request_id: id,
    model: 'diabetes',
    features: [first, ...Array.from({ length: 9 }, (_, i) => i / 10)],
  });

const deaths = () => stack.log().match(/the worker ended/g)?.length ?? 0;

/** By HTTP, of the worker that runs now; undefined where it dies of it. */
async function infer(first: number): Promise<{ status: number; body: string } | undefined> {
  const [url] = [...stack.log().matchAll(/^(?:ready|running again) (http:\S+)/gm)].at(-1)?.slice(1) ?? [];
  const data = [first, ...Array.from({ length: 9 }, (_, i) => i / 10)];
  const body = JSON.stringify({ inputs: [{ name: 'features', shape: [1, 10], datatype: 'FP32', data }] });
  try {
    const answer = await fetch(`${url}/v2/models/diabetes/infer`, { method: 'POST', body });
    return { status: answer.status, body: await answer.text() };
  } catch {
    return undefined;
  }
}

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
    expect(await hubscoreVerify(connectionString, stack.storage.connectionString)).toMatchObject({
      exitCode: 0,
      missing: 0,
      repeated: 0,
      outOfOrder: 0,
    });
    expect(stack.log()).not.toMatch(/Exceeded language worker restart/);
    expect(deaths(), stack.log()).toBe(1);
  }, 200_000);

  it('or requests by HTTP take it with them once; then they are answered, as others are', async () => {
    const before = await infer(1);
    expect(before).toMatchObject({ status: 200 });
    expect(await infer(DEADLY.crash)).toBeUndefined();
    await expect.poll(() => infer(1), { timeout: 20_000 }).toMatchObject({ status: 200 });
    const after = await infer(1);
    const said = (answer: typeof before) => JSON.parse(answer?.body ?? '').outputs;
    expect(said(after)).toEqual(said(before));
    const [deadly, other] = await Promise.all([infer(DEADLY.crash), infer(2)]);
    expect(deadly).toMatchObject({ status: 500, body: expect.stringMatching(/took the process with it, twice/) });
    expect(other).toMatchObject({ status: 200 });
    expect(deaths()).toBe(1);
  }, 100_000);
});
