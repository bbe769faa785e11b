import { expect, it } from 'vitest';
import { checkMachine } from '../../../src/cli/doctor/machine.ts';

it('finds an old Node too old', async () => {
  const [node, runtime] = await checkMachine('20.18.1').run(AbortSignal.timeout(10_000));
  expect(node).toMatchObject({ level: 'fail', says: 'Node 20.18.1 is too old', fix: expect.stringContaining('22') });
  expect(runtime).toMatchObject({ level: 'ok' });
});
