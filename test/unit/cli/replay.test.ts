import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { run } from '../../../src/cli/program.ts';
import { readSettings } from '../../../src/config/config.ts';

it.each(['model_gone', 'unexpected,model_gone', ','])(
  'replay refuses the code "%s" and says which there are',
  async code => {
    const stderr = new PassThrough();
    const said = text(stderr);
    const exitCode = await run(['replay', '--code', code], {
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr,
      environment: {},
      folder: import.meta.dirname,
      signal: AbortSignal.timeout(10_000),
    });
    stderr.end();
    expect(exitCode).toBe(1);
    expect(await said).toMatch(/by comma, any of malformed_payload, .*unexpected, all/);
  },
);

it('sends back by itself whatever the table of dead letters says to replay', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/requests-and-results.md'), 'utf8');
  const rows = page.split('\n').filter(line => /^\| `[a-z_]+` \|.*\breplay\b/.test(line));
  const named = rows.map(row => /`([a-z_]+)`/.exec(row)?.[1]);
  expect(named).toEqual(expect.arrayContaining(['unknown_model', 'model_unavailable']));
  expect(readSettings({}).REPLAY_CODES).toEqual(expect.arrayContaining(named));
});
