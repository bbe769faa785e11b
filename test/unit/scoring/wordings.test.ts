import { expect, it } from 'vitest';
import { Wording } from '../../../src/scoring/answers/wordings.ts';

it('a wording that is kept keeps no page of the buffers that were made beside it', () => {
  const wording = new Wording('inference-requests/2/', ',"model":"m"');
  const [middle] = wording.middles(4, [Buffer.from(',"prediction":')]) as [Buffer];
  expect(middle.toString()).toBe(',"result_id":"inference-requests/2/\0\0\0\0","model":"m","prediction":');
  expect([wording.prefix, wording.about, middle].map(({ buffer }) => buffer.byteLength)).toEqual([
    21,
    12,
    middle.length,
  ]);
});
