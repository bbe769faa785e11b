import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import zlib from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBlobs } from '../../src/azure/blobs.ts';
import { run } from '../../src/cli/program.ts';
import { startStorage } from '../support/storage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MODEL = join(ROOT, 'samples/models/diabetes/1.0.0');
let folder: string;
let rows: string[];
let header: string;

beforeAll(() => {
  const [first = '', ...rest] = readFileSync(join(ROOT, 'samples/models/diabetes/train.csv'), 'utf8')
    .trim()
    .split('\n');
  header = `user_id,note,${first}`;
  rows = rest.map((row, i) => `u${i},,${row}`);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hubscore-batch-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

async function score(
  args: readonly string[],
  {
    stdin = Readable.from([]) as Readable,
    signal = new AbortController().signal as AbortSignal,
    environment = {},
  } = {},
) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const words = ['batch', 'score', ...(args.includes('--model') ? args : [...args, '--model', MODEL])];
  const variables = { LOCAL_DATA_DIR: join(folder, 'data'), ...environment };
  const read = (stream: PassThrough) => {
    const parts: Buffer[] = [];
    stream.on('data', part => parts.push(part));
    return () => Buffer.concat(parts).toString();
  };
  const [out, err] = [read(stdout), read(stderr)];
  const code = await run(words, { stdin, stdout, stderr, environment: variables, folder, signal });
  return { code, out: out(), err: err() };
}

const write = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content);
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
/** Without the time, which each run has of its own. */
const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map(line => line.replace(/,\d{4}-\d\d-\d\dT[^,]*Z,/, ',T,'));
const ids = (text: string) =>
  lines(text)
    .slice(1)
    .map(line => line.split(',')[0]);

describe('hubscore batch score', { timeout: 120_000 }, () => {
  it('scores a file by several processes as by one, whatever its texts look like', async () => {
    const fakes = Array.from(
      { length: 60 },
      (_, i) => `f${i},,${(rows[0] as string).split(',').slice(2).join(',')}`,
    ).join('\n');
    const hostile = rows.map((row, i) => (i % 7 === 0 ? row.replace(',,', `,"${fakes}",`) : row));
    write('in.csv', `${header}\n${hostile.join('\n')}`);
    const one = await score(['in.csv', 'one.csv', '-i', 'user_id', '--processes', '1', '--include-features']);
    expect(one, one.err).toMatchObject({ code: 0, err: '' });
    const two = await score([
      ...['in.csv', 'two.csv', '-i', 'user_id', '--processes', '2', '--include-features'],
      ...['--chunk-bytes', '3000', '--json'],
    ]);
    expect(two, two.err).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(two.out)).toMatchObject({
      model: 'diabetes',
      rows: { read: rows.length, scored: rows.length, rejected: 0 },
    });
    const whole = read('two.csv');
    expect(lines(whole)).toEqual(lines(read('one.csv')));
    expect(whole.split('\n')[0]).toBe(
      `user_id,prediction_score,prediction_class,timestamp,model_version,${header.split(',').slice(1).join(',')}`,
    );
    expect(whole.split(fakes)).toHaveLength(Math.ceil(rows.length / 7) + 1);
    expect(readdirSync(folder).sort()).toEqual(['data', 'in.csv', 'one.csv', 'two.csv']);
  });

  it('numbers rows through all files of a pattern, and tells the rejects by those numbers', async () => {
    write('a-1.csv', `${header}\n${rows.slice(0, 100).join('\n')}\n`);
    write('a-2.csv', `${header}\n${['bad,,1', ...rows.slice(100, 150)].join('\r\n')}\r\n`);
    const done = await score([
      'a-?.csv',
      'out.csv',
      '--chunk-bytes',
      '700',
      '--processes',
      '2',
      '--rejects',
      'rejects.csv',
    ]);
    expect(done, done.err).toMatchObject({ code: 0 });
    const numbers = Array.from({ length: 151 }, (_, i) => String(i + 1)).filter(row => row !== '101');
    expect(ids(read('out.csv'))).toEqual(numbers);
    expect(read('rejects.csv')).toBe(
      'row,offset,code,message,raw\n' +
        `101,${header.length + 1},malformed_payload,"the row has 3 cells, the header ${header.split(',').length}","bad,,1"\n`,
    );
    expect(done.out).toMatch(/rows +151 read, 150 scored, 1 rejected/);
  });

  it.each([
    ['gzip', (text: string) => zlib.gzipSync(text)],
    ['zstd', (text: string) => zlib.zstdCompressSync(text)],
    ['UTF-16', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')],
  ])('reads %s', async (_, pack) => {
    write('in', pack(`${header}\n${rows.join('\n')}\n`));
    const { code, err } = await score(['in', 'out.csv', '-i', 'user_id']);
    expect(code, err).toBe(0);
    expect(ids(read('out.csv'))).toEqual(rows.map((__, i) => `u${i}`));
  });

  it('gives Parquet as a folder that is there once it is whole, and takes it', async () => {
    write('in.csv', `${header}\n${rows.join('\n')}\n`);
    const packed = await score([
      'in.csv',
      'out.parquet',
      '-i',
      'user_id',
      '--chunk-bytes',
      '9000',
      '--include-features',
    ]);
    expect(packed, packed.err).toMatchObject({ code: 0 });
    const { parts, rows: all } = JSON.parse(read('out.parquet/_SUCCESS'));
    expect(all).toBe(rows.length);
    expect(parts.length).toBeGreaterThan(1);
    expect(readdirSync(join(folder, 'out.parquet')).sort()).toEqual([
      '_SUCCESS',
      ...parts.map(({ name }: { name: string }) => name),
    ]);
    const again = await score(['out.parquet/part-*.parquet', 'again.csv', '-i', 'user_id']);
    expect(again, again.err).toMatchObject({ code: 0 });
    const direct = await score(['in.csv', 'direct.csv', '-i', 'user_id']);
    expect(direct.code).toBe(0);
    expect(lines(read('again.csv'))).toEqual(lines(read('direct.csv')));
  });

  it('reads standard input and writes standard output, with what it has to say beside it', async () => {
    const { code, out, err } = await score(['-', '-', '-i', 'user_id'], {
      stdin: Readable.from([`${header}\n${rows.join('\n')}`]),
    });
    expect(code, err).toBe(0);
    expect(ids(out)).toEqual(rows.map((_, i) => `u${i}`));
    expect(err).toMatch(/scored/);
  });

  it('refuses, says why, and leaves no output', async () => {
    write('in.csv', `${header}\n${rows.slice(0, 50).join('\n')}\n${'x,y\n'.repeat(3)}`);
    write('other.csv', `${header.replace('bmi', 'bim')}\n${rows.join('\n')}\n`);
    const rejected = await score(['in.csv', 'out.csv', '-i', 'user_id']);
    expect(rejected.code).toBe(2);
    expect(rejected.err).toMatch(
      /3 of 53 rows are rejected \(5\.66 %\), at most 1 % may be:\n {2}row 51: malformed_payload: the row has 2 cells/,
    );
    const lacking = await score(['other.csv', 'out.csv', '-i', 'user_id']);
    expect(lacking).toMatchObject({
      code: 2,
      err: expect.stringContaining('other.csv: the header lacks the feature "bmi" (the nearest is "bim")'),
    });
    expect(await score(['no*.csv', 'out.csv'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('no file is called no*.csv'),
    });
    expect(readdirSync(folder).sort()).toEqual(['data', 'in.csv', 'other.csv']);
    write('out.csv', 'precious');
    expect(await score(['in.csv', 'out.csv'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('out.csv is there already'),
    });
    expect(read('out.csv')).toBe('precious');
  });

  it('leaves nothing behind where it is stopped', async () => {
    write('in.csv', `${header}\n${Array.from({ length: 200 }, () => rows.join('\n')).join('\n')}`);
    const stop = new AbortController();
    const scoring = score(['in.csv', 'out.csv', '--processes', '2', '--chunk-bytes', '20000'], { signal: stop.signal });
    await expect
      .poll(() => readdirSync(folder).some(name => name.endsWith('.hubscore-part')), { interval: 2, timeout: 60_000 })
      .toBe(true);
    stop.abort();
    expect((await scoring).code).toBe(130);
    expect(existsSync(join(folder, 'out.csv'))).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(['data', 'in.csv']);
  });

  it('takes blobs and gives blobs, by their URLs, and a model that is in storage', async () => {
    const storage = await startStorage();
    try {
      const blobs = createBlobs({ kind: 'connection-string', connectionString: storage.connectionString }, 'lake');
      const models = createBlobs({ kind: 'connection-string', connectionString: storage.connectionString }, 'models');
      const [signal, none] = [new AbortController().signal, {}];
      for (const name of ['model.onnx', 'model.json'])
        await models.writeFile(`diabetes/1.0.0/${name}`, join(MODEL, name), none, 'any', signal);
      write('a.csv', `${header}\n${rows.slice(0, 30).join('\n')}\n`);
      for (const name of ['in/a1.csv', 'in/a2.csv', 'in/b.csv'])
        await blobs.writeFile(name, join(folder, 'a.csv'), none, 'any', signal);
      const at = (path: string) => `http://127.0.0.1:${storage.port}/devstoreaccount1/lake/${path}`;
      const environment = { ModelStorage: storage.connectionString };
      const asked = ['-i', 'user_id', '--model', 'diabetes'];
      const done = await score([at('in/a*.csv'), at('out/a.csv'), ...asked], { environment });
      expect(done, done.err).toMatchObject({ code: 0 });
      const { text } = await blobs.readText('out/a.csv', signal);
      expect(ids(text)).toEqual([0, 1].flatMap(() => rows.slice(0, 30).map((_, i) => `u${i}`)));
      const again = await score([at('in/b.csv'), at('out/a.csv'), ...asked], { environment });
      expect(again).toMatchObject({ code: 2, err: expect.stringContaining('out/a.csv is there already') });
      expect((await blobs.readText('out/a.csv', signal)).text).toBe(text);
      const nowhere = await score([at('in/c.csv'), 'out.csv', ...asked], { environment });
      expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('in/c.csv is not there') });
    } finally {
      await storage.stop();
    }
  });
});
