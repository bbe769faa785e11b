import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../../../src/cli/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'hubscore-size-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function size(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const signal = new AbortController().signal;
  const code = await run(['size', ...args], {
    stdin: Readable.from([]),
    stdout,
    stderr,
    environment: {},
    folder,
    signal,
  });
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

describe('hubscore size', () => {
  it('answers with a set-up, its cost, what it assumes, and a picture', async () => {
    const { code, out } = await size('--rate', '200', '--p99', '2s', '--page', 'size.html');
    expect(code).toBe(0);
    expect(out).toMatch(/^200 events a second, p99 within 2 s\n/);
    expect(out).toMatch(/ units {2,}1 throughput unit\n/);
    expect(out).toMatch(/ a million events {2,}[\d.]+\n/);
    expect(out).toContain(' holds\n');
    expect(out).toMatch(/waiting, their senders' included\n +\d+ │/);
    expect(out).toMatch(/assumed\n/);
    const page = readFileSync(join(folder, 'size.html'), 'utf8');
    expect(page.match(/<svg /g)).toHaveLength(4);
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)[^<]*\.(js|css)/);
  });

  it('is the same twice, as JSON, with two set-ups side by side', async () => {
    const args = [
      '--rate',
      '300',
      '--set-up',
      'standard,units=2,partitions=4',
      '--compare',
      'premium,units=1',
      '--json',
    ];
    const [first, second] = [await size(...args), await size(...args)];
    expect(first).toEqual(second);
    const answer = JSON.parse(first.out);
    expect(answer.set_up).toMatchObject({ tier: 'standard', units: 2, partitions: 4, instances: 1, memory_mb: 2048 });
    expect(answer.compare.set_up).toMatchObject({ tier: 'premium', units: 1 });
    expect(answer.compare.cost.month).toBeUndefined();
    expect(answer.cost.month).toBeGreaterThan(0);
    expect(answer.timeline).toHaveLength(120);
    expect(answer.holds).toBe(true);
  });

  it('shows two set-ups in one table', async () => {
    const { out } = await size(
      '--rate',
      '300',
      '--set-up',
      'standard,units=2',
      '--compare',
      'standard,units=1,always-ready=1',
    );
    expect(out).toMatch(/ units +2 throughput units +1 throughput unit\n/);
    expect(out).toContain(' this holds\n');
    expect(out).toContain(' that holds\n');
  });

  it('takes the model’s cost from tune', async () => {
    const tuned = {
      choice: { placement: 'in-line', intra_op_threads: 1 },
      machine: { cpu: 'a processor', cores: 2, node: 'v24' },
      side_by_side: [{ placement: 'in-line', intra_op_threads: 1, batch: 16, partitions: 2, per_second: 20_000 }],
      packs: [],
      request_bytes: 1_000,
      result_bytes: 500,
    };
    writeFileSync(join(folder, 'tuned.json'), JSON.stringify(tuned));
    const { out } = await size('--rate', '100', '--tune', 'tuned.json', '--json');
    expect(JSON.parse(out)).toMatchObject({ costs: { rowMs: 0.1 }, load: { request_bytes: 1_000, result_bytes: 500 } });
    writeFileSync(join(folder, 'tuned.json'), JSON.stringify({ ...tuned, packs: [{ rows: 10, row_us: 3 }] }));
    expect(
      JSON.parse((await size('--rate', '100', '--rows', '8', '--tune', 'tuned.json', '--json')).out).costs.rowMs,
    ).toBe(0.003);
    writeFileSync(join(folder, 'tuned.json'), '{"name": "other"}');
    expect((await size('--rate', '100', '--tune', 'tuned.json')).err).toContain('is nothing that tune wrote');
  });

  it('says what binds, and ends with 2, where nothing holds', async () => {
    const { code, out } = await size('--rate', '100', '--p99', '5ms');
    expect(code).toBe(2);
    expect(out).toMatch(/does not hold: p99 is \d+ ms, asked for is 5 ms\n what binds: .*\n what lifts it: /);
  });

  it('says what binds of a set-up that is given, and what would lift it', async () => {
    const { code, out } = await size('--rate', '900', '--set-up', 'standard,units=1,partitions=1,instances=1');
    expect(code).toBe(2);
    expect(out).toContain(' does not hold: it falls behind: ');
    expect(out).toContain(' what binds: units: 500 events a second, planned; it falls behind');
    expect(out).toContain(' what lifts it: more units, or packs: many rows in one event\n');
  });

  it('answers bad questions in words', async () => {
    writeFileSync(join(folder, 'gaps.csv'), '09:00,5\n09:03,5\n');
    const asked: readonly (readonly [string[], RegExp])[] = [
      [['--rate', '0'], /with a rate of 0 there is nothing to size/],
      [[], /how much comes is not said/],
      [['--rate', '1', '--curve', '1,2'], /how much comes is said twice/],
      [['--counts', 'gaps.csv'], /gaps.csv has gaps: 2 minutes are missing/],
      [['--counts', 'nowhere.csv'], /nowhere.csv cannot be read/],
      [['--rate', '1', '--drain', '1m'], /--drain says how soon a burst is worked off, and there is none/],
      [['--rate', '1', '--rows', '20000'], /is larger than a hub takes/],
      [['--rate', '1', '--set-up', 'standard,units=41'], /41 throughput units cannot be had in one standard namespace/],
      [['--rate', '1', '--set-up', 'standard,partitions=33'], /has 32 partitions at most/],
      [['--rate', '1', '--set-up', 'basic'], /it begins with standard, premium, dedicated/],
      [['--rate', '1', '--burst', '5'], /a factor above 1 and a time are needed/],
      [['--rate', '1', '--price', 'unit=1'], /unit is none of throughputUnitHour/],
    ];
    for (const [args, words] of asked) {
      const { code, err } = await size(...args);
      expect(code, args.join(' ')).toBe(1);
      expect(err).toMatch(words);
    }
  });
});
