import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DEADLY, DEADLY_RUNS } from '../support/deadly.ts';

const ROOT = resolve(import.meta.dirname, '../..');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hubscore-heavy-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** diabetes, run where its card says. */
function placed(placement: string): string {
  const model = join(folder, placement, 'diabetes/1.0.0');
  cpSync(join(ROOT, 'samples/models/diabetes/1.0.0'), model, { recursive: true });
  const card = JSON.parse(readFileSync(join(model, 'model.json'), 'utf8')) as object;
  writeFileSync(join(model, 'model.json'), JSON.stringify({ ...card, runtime: { placement } }));
  return model;
}

async function score(model: string, more: readonly string[]) {
  const words = ['batch', 'score', 'in.csv', 'out.csv', '--model', model, '-i', 'id', '--max-rejected', '0.1', ...more];
  const child = spawn(process.execPath, [join(ROOT, 'src/cli/hubscore.ts'), ...words], {
    cwd: folder,
    env: {
      ...process.env,
      NODE_OPTIONS: DEADLY_RUNS,
      INFERENCE_TIMEOUT_SECONDS: '2',
      LOCAL_DATA_DIR: join(folder, 'data'),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', text => {
    err += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, err };
}

it('rows that kill or hang the process they run in are rejects, and all others are scored', async () => {
  const [header = '', ...rows] = readFileSync(join(ROOT, 'samples/models/diabetes/train.csv'), 'utf8')
    .trim()
    .split('\n');
  const deadly = new Map([
    [7, DEADLY.crash],
    [60, DEADLY.hang],
  ]);
  const lines = rows
    .slice(0, 100)
    .map((row, i) => `u${i},${deadly.get(i) ?? row.split(',')[0]},${row.split(',').slice(1).join(',')}`);
  writeFileSync(join(folder, 'in.csv'), `id,${header}\n${lines.join('\n')}\n`);

  const { code, err } = await score(placed('worker'), ['--rejects', 'rejects.csv']);
  expect(code, err).toBe(0);
  const scored = readFileSync(join(folder, 'out.csv'), 'utf8').trim().split('\n').slice(1);
  expect(scored.map(line => line.split(',')[0])).toEqual(lines.map((_, i) => `u${i}`).filter((_, i) => !deadly.has(i)));
  const rejects = readFileSync(join(folder, 'rejects.csv'), 'utf8');
  expect(rejects).toMatch(/^8,\d+,inference_failed,.*SIGSEGV/m);
  expect(rejects).toMatch(/^61,\d+,inference_failed,.*did not answer within/m);

  rmSync(join(folder, 'out.csv'));
  const light = await score(placed('in-line'), ['--processes', '2']);
  expect(light.code).not.toBe(0);
  expect(existsSync(join(folder, 'out.csv'))).toBe(false);
}, 120_000);
