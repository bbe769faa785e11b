import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadReport } from '../../src/cli/load/report.ts';
import { run } from '../../src/cli/program.ts';
import { appFolder } from '../support/app-folder.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'hubscore-load-'));
const app = appFolder();
let hubs: EventHubs;
let storage: Storage;
let host: FunctionsHost | undefined;

beforeAll(async () => {
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
  expect((await hubscore(['models', 'push', join(ROOT, 'samples/models/diabetes/1.0.0')])).code).toBe(0);
});
afterAll(async () => {
  await host?.stop();
  await Promise.all([hubs?.stop(), storage?.stop()]);
  app.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command line in this process, as `npx hubscore` would; `onOut` is told all that was written so far. */
async function hubscore(args: readonly string[], onOut: (out: string, stop: () => void) => void = () => {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const stop = new AbortController();
  let out = '';
  let err = '';
  stdout.setEncoding('utf8').on('data', text => {
    out += text;
    onOut(out, () => stop.abort());
  });
  stderr.setEncoding('utf8').on('data', text => {
    err += text;
  });
  const environment = { EventHubs: hubs.connectionString, ModelStorage: storage.connectionString };
  const code = await run(args, { stdin: Readable.from([]), stdout, stderr, environment, folder, signal: stop.signal });
  return { code, out, err };
}

const reportIn = (file: string): LoadReport => JSON.parse(readFileSync(join(folder, file), 'utf8'));

describe('hubscore load', () => {
  it('says what is missing where nothing scores, and fails', async () => {
    const { code, out } = await hubscore(['load', '--requests', '20', '--wait', '0.2', '--json', 'missing.json']);
    expect(code).toBe(1);
    expect(out).toContain('20 without a result');
    const { requests, lagAtEnd } = reportIn('missing.json');
    expect(requests).toMatchObject({ sent: 20, results: 0, missing: 20 });
    expect(Object.values(lagAtEnd).reduce((sum, events) => sum + events, 0)).toBe(20);
  });

  it('keeps its rate, measures to the last result, and writes report and page', async () => {
    host = await startHost({
      appDir: app.path,
      env: {
        EventHubs: hubs.connectionString,
        ModelStorage: storage.connectionString,
        AzureWebJobsStorage: storage.connectionString,
      },
    });
    writeFileSync(
      join(folder, 'cases.jsonl'),
      `${JSON.stringify({ features: [63, 1, 24.4, 73, 160, 91.4, 48, 3, 4.6, 78] })}\n`.repeat(9) +
        `${JSON.stringify({ features: [63] })}\n`,
    );
    const args =
      '--cases cases.jsonl --model diabetes --rate 300 --duration 3 --key-skew 1 --json a.json --html a.html';
    const { code, out, err } = await hubscore(['load', ...args.split(' ')]);
    expect(err).toBe('wrote a.json\nwrote a.html\n');
    expect(code, out).toBe(0);
    expect(out).toMatch(/^00:00:0\d {2}sent \d+ \(\d+\/s\) {2}results \d+/m);
    const { requests, latencyMs, perSecond, deadLetterCodes, timeline, settings, seconds, lagAtEnd } =
      reportIn('a.json');
    expect(requests).toMatchObject({ begun: 900, sent: 900, results: 810, deadLetters: 90, missing: 0, repeats: 0 });
    expect(deadLetterCodes).toEqual({ schema_mismatch: 90 });
    expect(settings).toMatchObject({ pace: '300/s for 3 s', keys: '1,000, skew 1', partitions: 4, openLoop: true });
    expect(seconds).toBeGreaterThan(2.9);
    expect(perSecond.sent).toBeGreaterThan(150);
    for (const latency of [latencyMs.enqueuedToEnqueued, latencyMs.intendedToResult]) {
      expect(latency.count).toBe(810);
      expect(latency.p50).toBeLessThanOrEqual(latency.p99);
      expect(latency.max).toBeLessThan(1000 * seconds);
    }
    // Meant to go before it was enqueued: whatever the percentile, the one cannot be below the other by more than a stamp's rounding.
    expect(latencyMs.intendedToResult.p50).toBeGreaterThan(latencyMs.enqueuedToEnqueued.p50 - 2);
    expect(timeline.reduce((sum, { results }) => sum + results, 0)).toBeGreaterThan(500);
    expect(Object.values(lagAtEnd)).toEqual([0, 0, 0, 0]);
    const page = readFileSync(join(folder, 'a.html'), 'utf8');
    expect(page).toContain('<h1>diabetes <small>300/s for 3 s</small></h1>');
    expect(page.match(/<svg /g)).toHaveLength(4);
    expect(page).toContain('schema_mismatch');
  });

  it('makes requests up from the card of a model in storage, all of which are answered', async () => {
    const { code } = await hubscore('load --from-card --requests 200 --workers 20 --json b.json'.split(' '));
    expect(code).toBe(0);
    const { requests, settings } = reportIn('b.json');
    expect(requests).toMatchObject({ results: 200, deadLetters: 0, cached: 0 });
    expect(settings).toMatchObject({ openLoop: false, payload: 'made up from the card of diabetes', workers: 20 });
  });

  it('sends packs, and says how many rows they were', async () => {
    const { code, out } = await hubscore('load --requests 30 --workers 4 --pack 25 --json p.json'.split(' '));
    expect(code, out).toBe(0);
    expect(out).toMatch(/^ rows +750, /m);
    const { requests, settings } = reportIn('p.json');
    expect(requests).toMatchObject({ sent: 30, results: 30, deadLetters: 0, missing: 0 });
    expect(settings).toMatchObject({ pack: 25 });
    // However many rows, a pack is one request.
    const verdict = await hubscore(['verify']);
    expect(verdict.code, verdict.out).toBe(0);
  });

  it('ends at Ctrl-C with the report so far', async () => {
    const { code, out } = await hubscore('load --rate 200 --duration 60 --json c.json'.split(' '), (text, stop) => {
      if (/^00:00:0\d/m.test(text)) stop();
    });
    expect(code).toBe(130);
    expect(out).toContain('interrupted');
    const { requests, interrupted } = reportIn('c.json');
    expect(interrupted).toBe(true);
    expect(requests.sent).toBeGreaterThan(50);
    expect(requests.results).toBe(requests.sent);
  });

  it('says what it cannot do before it sends anything', async () => {
    const failed = async (args: string) => (await hubscore(['load', ...args.split(' ')])).err;
    expect(await failed('--rate 1 --ramp 1:2:3')).toMatch(/two paces/);
    expect(await failed('--ramp 1:2')).toMatch(/from:to:seconds is needed/);
    expect(await failed('--model nobody')).toMatch(/no sample requests for nobody\nAdd --cases FILE/);
    expect(await failed('--html nowhere/a.html')).toMatch(/there is no folder .*nowhere/);
    expect(await failed('--from-card none.onnx')).toMatch(/none\.onnx is not there/);
  });
});
