import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Status } from '../../src/cli/status/judge.ts';
import { type AppStack, startAppStack } from '../support/app-stack.ts';

let stack: AppStack;
beforeAll(async () => {
  stack = await startAppStack({}, [2, 2, 2]);
});
afterAll(async () => {
  await stack?.stop();
});

async function look(url: string): Promise<{ readonly code: number; readonly status: Status }> {
  const { code, out } = await stack.hubscore('status', '--json', '--url', url);
  return { code, status: JSON.parse(out) as Status };
}

describe('hubscore status', () => {
  it('says how it is, and what someone must act on', async () => {
    const host = await stack.startHost();
    await stack.send(6, '0');
    await stack.send(1, '0', 'nobody');
    await vi.waitFor(
      async () => {
        const { status } = await look(host.url);
        expect([status.dead_letters.length, ...status.partitions.map(({ lag }) => lag)]).toEqual([1, 0, 0]);
      },
      { timeout: 40_000, interval: 500 },
    );

    const { code, status } = await look(host.url);
    expect(code).toBe(0);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    const ms = expect.any(Number);
    expect(status).toEqual({
      at: time,
      partitions: [
        { id: '0', lag: 0, last_ending: time, p50_ms: ms, p95_ms: ms },
        { id: '1', lag: 0 },
      ],
      models: [{ model: 'diabetes', version: '1.0.0', since: time }],
      app: { breakers: { results: 'closed', 'dead-letters': 'closed', storage: 'closed' }, throttled: 0 },
      dead_letters: [{ code: 'unknown_model', model: 'nobody', count: 1, see: 'docs/operate.md#unknown_model' }],
      trouble: [],
    });
    const { out } = await stack.hubscore('status', '--url', host.url);
    expect(out).toMatch(/^inference-requests\n/);
    expect(out).toMatch(/^partition +lag +last ending +to sent p50 +p95$/m);
    expect(out).toMatch(/^serves +diabetes 1\.0\.0 {2}since \d{4}-/m);
    expect(out).toMatch(/^ +1 {2}unknown_model {2}nobody$/m);
    expect(out).toMatch(/\nnothing to do\n$/);

    await host.stop();
    await stack.send(3, '1');
    const stopped = await look(host.url);
    expect(stopped.code).toBe(2);
    expect(stopped.status.partitions[1]).toEqual({ id: '1', lag: 3 });
    expect(stopped.status.app_unknown).toMatch(
      /^breakers and throttling are not known: http:\/\/localhost:\d+ does not answer/,
    );
    expect(stopped.status.trouble).toEqual([
      { what: 'partition 1: 3 wait and none comes to its ending', see: 'docs/operate.md#no-results' },
    ]);
  }, 90_000);
});
