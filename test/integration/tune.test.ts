import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { parseCard } from '../../src/models/card.ts';
import { model, node, value } from '../support/onnx.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'hubscore-tune-'));
let storage: Storage;

beforeAll(async () => {
  storage = await startStorage();
  cpSync(join(ROOT, 'samples/models'), join(folder, 'models'), { recursive: true });
  copyFileSync(join(ROOT, 'host.json'), join(folder, 'host.json'));
});
afterAll(async () => {
  await storage?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function hubscore(args: string) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let [out, err] = ['', ''];
  stdout.setEncoding('utf8').on('data', text => {
    out += text;
  });
  stderr.setEncoding('utf8').on('data', text => {
    err += text;
  });
  const environment = { ModelStorage: storage.connectionString };
  const signal = new AbortController().signal;
  const code = await run(args.split(' '), { stdin: Readable.from([]), stdout, stderr, environment, folder, signal });
  return { code, out, err };
}

const readJson = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'));

describe('hubscore tune', { timeout: 180_000 }, () => {
  it('measures a model on disk, and writes what it chose, with its evidence, where serving reads it', async () => {
    const before = readJson('models/churn/1.0.0/model.json');
    const { code, out, err } = await hubscore(
      'tune models/churn/1.0.0 --time 2 --largest-batch 16 --write --host-json --json all.json --target-rate 20000 --price-instance-hour 0.1',
    );
    expect(code, err).toBe(0);
    expect(out).toMatch(/^churn 1\.0\.0\+a5ef3759 {2}models\/churn\/1\.0\.0\/cases\.jsonl \(50 cases\)$/m);
    expect(out).toMatch(/^ batch +16( +[\d,]+ [▁-█]( ←)? *){2,}$/m);
    expect(out.match(/←/g)).toHaveLength(3);
    expect(out).toMatch(/^ +rows an event +rows\/s, host included +µs a row here +rows a unit$/m);
    expect(out).toMatch(/^ +100( +[\d,.]+){3}( ←)?$/m);
    expect(out).toMatch(/^ {3}packs of \d+ pay: [\d.]+ times the rows of single events, /m);
    expect(out).toMatch(/^ throughput units +40$/m);
    expect(out).toMatch(/^ instances +\d+ of \d+ cores?, [\d,]+\/s each: [\d,]+ a month$/m);

    const text = readFileSync(join(folder, 'models/churn/1.0.0/model.json'), 'utf8');
    const { runtime, batching, tuning, ...rest } = JSON.parse(text);
    const { batching: _, ...others } = before;
    expect(rest).toEqual(others);
    const all = readJson('all.json');
    expect(all.choice).toEqual({ ...runtime, max_batch_size: batching.max_batch_size });
    expect(['in-line', 'worker']).toContain(parseCard(text, 'model.json').runtime?.placement);
    const chosen = tuning.curve.find(
      (point: Record<string, unknown>) =>
        point.placement === runtime.placement &&
        point.intra_op_threads === runtime.intra_op_threads &&
        point.batch === batching.max_batch_size,
    );
    expect(chosen.per_second).toBeGreaterThan(100);
    expect(tuning.packs.map(({ rows }: { rows: number }) => rows)).toEqual([1, 5, 10, 20, 50, 100, 200]);
    expect(tuning.machine.cores).toBeGreaterThan(0);
    expect(tuning.request_bytes).toBeGreaterThan(100);
    expect(tuning.result_bytes).toBeGreaterThan(100);
    expect(Date.now() - Date.parse(tuning.measured_at)).toBeLessThan(60_000);
    expect(readJson('host.json').extensions.eventHubs.maxEventBatchSize).toBe(1000);
    expect(out).toContain('host.json keeps maxEventBatchSize 1000: it is for all models of the app');

    const pushed = await hubscore('models push models/churn/1.0.0');
    expect(pushed.out).toContain('pushed to models/churn/1.0.0');
  });

  it('measures a model in storage with requests made up from its card, and leaves its card alone', async () => {
    expect((await hubscore('tune churn --write')).err).toMatch(/cards in storage are immutable\nGive --write a file/);
    const { code, out, err } = await hubscore('tune churn --time 1 --largest-batch 4 --write mine.json');
    expect(code, err).toBe(0);
    expect(out).toContain('requests made up from its card');
    expect(out).not.toContain('are refused');
    expect(readJson('mine.json')).toMatchObject({
      name: 'churn',
      tuning: { requests: 'requests made up from its card' },
    });
  });

  it('says what is missing before it measures', async () => {
    for (const [args, words] of [
      ['--host-json nowhere.json', 'nowhere.json'],
      ['--json nowhere/all.json', 'the folder of nowhere/all.json is not there'],
      ['--write nowhere/model.json', 'the folder of nowhere/model.json is not there'],
      ['--cases nowhere.jsonl', 'nowhere.jsonl is not there'],
    ] as const) {
      const { code, out, err } = await hubscore(`tune models/churn/1.0.0 ${args}`);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toContain(words);
    }
  });

  it('sets no batch for a model that takes one instance at a time, and says so', async () => {
    const centred = model({
      nodes: [node('ReduceMean', ['x'], ['m'], { axes: [0], keepdims: 1 }), node('Sub', ['x', 'm'], ['y'])],
      inputs: [value('x', 'float32', [null, 2])],
      outputs: [value('y', 'float32', [null, 2])],
    });
    writeFileSync(join(folder, 'centred.onnx'), centred);
    const { code, out, err } = await hubscore(
      'tune centred.onnx --time 1 --largest-batch 4 --write centred.json --json c.json',
    );
    expect(code, err).toBe(0);
    expect(out).toContain('it takes one at a time in every batch');
    expect(out).toMatch(/take .*(in-line|worker), \d+ threads?$/m);
    expect(out).toContain('wrote runtime, and tuning to centred.json');
    expect(readJson('centred.json')).not.toHaveProperty('batching');
    expect(readJson('centred.json')).toHaveProperty('runtime.placement');
    expect(readJson('c.json').choice).not.toHaveProperty('max_batch_size');
  });

  it('tries a bare ONNX file; says what cannot be measured', async () => {
    copyFileSync(join(ROOT, 'samples/models/diabetes/1.0.0/model.onnx'), join(folder, 'bare.onnx'));
    const { code, out } = await hubscore('tune bare.onnx --time 1 --largest-batch 1');
    expect(code).toBe(0);
    expect(out).toMatch(/^bare 0\.0\.0\+/);
    const other = await hubscore('tune bare.onnx --cases models/churn/1.0.0/cases.jsonl');
    expect(other).toMatchObject({ code: 1, err: expect.stringMatching(/none of the requests can be scored: /) });
    expect((await hubscore('tune nowhere/model.onnx')).err).toMatch(/is not there/);
    expect((await hubscore('tune nobody')).err).toMatch(/there is no model nobody/);
  });
});
