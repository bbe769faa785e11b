import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { jsonSchemas } from '../../../scripts/json-schemas.ts';
import { run } from '../../../src/cli/program.ts';
import { temporaryFolder } from '../../support/models.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const folder = temporaryFolder();
afterAll(() => folder.remove());

async function lint(file: string, ...more: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const world = { stdin: Readable.from([]), stdout, stderr, environment: {}, folder: folder.path };
  const code = await run(['models', 'lint', file, ...more], { ...world, signal: AbortSignal.timeout(60_000) });
  stdout.end();
  stderr.end();
  return { code, out: await text(stdout), err: await text(stderr) };
}

function write(name: string, value: unknown): string {
  writeFileSync(join(folder.path, name), JSON.stringify(value));
  return name;
}

describe('models lint', () => {
  it('finds nothing in a sound card, alone or with its model', async () => {
    expect(await lint(write('card.json', { features: [{ name: 'x' }], owner: 'us' }))).toEqual({
      code: 0,
      out: 'sound card.json\n',
      err: '',
    });
    const card = resolve(ROOT, 'samples/models/churn/1.0.0/model.json');
    expect((await lint(card)).err).toBe('');
  });

  it('names a slip of a field and a value that cannot be', async () => {
    const slip = await lint(write('slip.json', { features: [{ name: 'x', sclae: { mean: 0, std: 1 } }] }));
    expect(slip.code).toBe(2);
    expect(slip.err).toMatch(/slip\.json: .*sclae.*scale/);
    const wrong = await lint(write('wrong.json', { features: [{ name: 'x', range: [3, 1] }] }), '--json');
    expect(JSON.parse(wrong.out)).toEqual({
      file: 'wrong.json',
      faults: [expect.stringMatching(/expected \[lowest, highest\]/)],
    });
  });

  it('holds a card against the model beside it', async () => {
    mkdirSync(join(folder.path, 'churn'));
    cpSync(join(ROOT, 'samples/models/churn/1.0.0/model.onnx'), join(folder.path, 'churn/model.onnx'));
    const misfit = await lint(write('churn/model.json', { features: [{ name: 'x', input: 'nowhere' }] }));
    expect(misfit.code).toBe(2);
    expect(misfit.err).toMatch(/nowhere/);
  });

  it('reads a deployment.json, too', async () => {
    expect((await lint(write('deployment.json', { aliases: { production: '1.0.0' } }))).code).toBe(0);
    const wrong = await lint(write('deployment.json', { aliases: { production: 'newest' } }));
    expect(wrong).toMatchObject({ code: 2, err: expect.stringMatching(/aliases\.production.*version like 1\.0\.0/) });
  });
});

describe('JSON schemas for editors', () => {
  it.each(Object.entries(jsonSchemas()))(
    '%s are the ones the code reads by: node scripts/json-schemas.ts',
    async (name, made) => {
      const { readFileSync } = await import('node:fs');
      expect(readFileSync(join(ROOT, 'docs/schemas', name), 'utf8')).toBe(made);
      expect(readFileSync(join(ROOT, '.vscode/settings.json'), 'utf8')).toContain(`docs/schemas/${name}`);
    },
  );
});
