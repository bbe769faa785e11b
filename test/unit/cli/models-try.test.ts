import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/program.ts';
import { temporaryFolder } from '../../support/models.ts';

const SAMPLE = resolve(import.meta.dirname, '../../../samples/models/diabetes/1.0.0');
const [first] = readFileSync(join(SAMPLE, 'cases.jsonl'), 'utf8').split('\n');
const { features } = JSON.parse(first as string) as { features: number[] };

describe('hubscore models try', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let names: string[];
  beforeAll(() => {
    folder = temporaryFolder();
    const model = join(folder.path, 'diabetes/1.0.0');
    mkdirSync(model, { recursive: true });
    copyFileSync(join(SAMPLE, 'model.onnx'), join(model, 'model.onnx'));
    const card = JSON.parse(readFileSync(join(SAMPLE, 'model.json'), 'utf8')) as { features: { name: string }[] };
    names = card.features.map(({ name }) => name);
    const input = { records: '$.records[*]', where: { path: '$.op', in: ['c'] }, row: '$.row', carry: ['$.op'] };
    writeFileSync(join(model, 'model.json'), JSON.stringify({ ...card, input }));
  });
  afterAll(() => folder.remove());

  async function hubscore(...args: string[]) {
    const said = { out: '', err: '' };
    const into = (name: keyof typeof said) =>
      new Writable({
        write(chunk, _, done) {
          said[name] += String(chunk);
          done();
        },
      });
    const { signal } = new AbortController();
    const world = { stdin: new PassThrough(), environment: { NO_COLOR: '1' }, folder: folder.path, signal };
    const code = await run(['models', 'try', ...args], { ...world, stdout: into('out'), stderr: into('err') });
    return { code, ...said };
  }
  const event = (values: readonly unknown[]) => {
    const row = Object.fromEntries(names.map((name, i) => [name, values[i]]));
    return JSON.stringify({ records: [{ op: 'd' }, { op: 'c', request_id: 'r', row }] });
  };

  it('shows the steps of an event from a file', async () => {
    writeFileSync(join(folder.path, 'event.json'), event(features));
    const { code, out, err } = await hubscore('diabetes/1.0.0', '@event.json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('decoded  1 of 2 records are requests, 1 passed over');
    expect(out).toContain('request "r"');
    expect(out).toMatch(/mapped {3}\{"age":/);
    expect(out).toContain('carried  {"op":"c"}');
    expect(out).toMatch(/encoded {2}\w+: float32\[1,10\] \[/);
    expect(out).toMatch(/answered \{"request_id":"r","result_id":"inference-requests\/0\/0\/1","model":"diabetes"/);
  });

  it('shows where it ends, as JSON', async () => {
    const { code, out } = await hubscore('diabetes/1.0.0', event([...features.slice(0, 9), 'x']), '--json');
    expect(code).toBe(1);
    const { records } = JSON.parse(out) as { records: unknown[] };
    expect(records[0]).toEqual({ passed_over: true });
    expect(records[1]).toMatchObject({ request_id: 'r', error: { code: 'schema_mismatch', stage: 'validate' } });
  });

  it('says what an odd argument should have been', async () => {
    const { code, err } = await hubscore('diabetes/1.0.0', '{}', '-p', 'model');
    expect(code).toBe(1);
    expect(err).toContain('--property model: no name=value');
  });
});
