import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { run } from '../../../src/cli/program.ts';

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
