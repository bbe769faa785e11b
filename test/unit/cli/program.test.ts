import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { run } from '../../../src/cli/program.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

async function hubscore(args: readonly string[], environment: Record<string, string> = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [folder, signal] = [import.meta.dirname, AbortSignal.timeout(20_000)];
  const code = await run(args, { stdin: Readable.from([]), stdout, stderr, environment, folder, signal });
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}

it('hubscore --version is the one of package.json', async () => {
  const { version } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8'));
  expect(await hubscore(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

it('a setting that does not exist is noticed before the command does its work', async () => {
  const { err } = await hubscore(['tune', 'nowhere/model.onnx'], { MODEL_REFRESH_SECOND: '5' });
  expect(err).toMatch(/^warning: MODEL_REFRESH_SECOND is no setting; did you mean MODEL_REFRESH_SECONDS\?\nerror: /);
  expect((await hubscore(['tune', 'nowhere/model.onnx'])).err).toMatch(/^error: /);
});

it('npm run bench -- --help says what there is, and what it does not know in words', () => {
  const bench = (...args: string[]) =>
    spawnSync(process.execPath, ['bench/run.ts', ...args], { cwd: ROOT, encoding: 'utf8' });
  expect(execFileSync(process.execPath, ['bench/run.ts', '--help'], { cwd: ROOT, encoding: 'utf8' })).toMatch(
    /^npm run bench .*\n {2}--only NAME,… .*function-path, steps/,
  );
  for (const [args, words] of [
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['--only', 'nothing'], 'there is no scenario nothing'],
  ] as const) {
    const { status, stderr } = bench(...args);
    expect(status).toBe(1);
    expect(stderr.startsWith(`bench: ${words}`)).toBe(true);
    expect(stderr).not.toMatch(/^ +at /m);
  }
});
