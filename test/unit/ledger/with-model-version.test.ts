import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { withModelVersion } from '../../../src/ledger/with-model-version.ts';

const rewrite = (body: string | Buffer) => withModelVersion(Buffer.from(body), '2.0.0')?.toString();

describe('withModelVersion', () => {
  it.each([
    ['{"features":[1]}', { features: [1], model_version: '2.0.0' }],
    ['{"model_version":"1.0.0","features":[1]} \n', { features: [1], model_version: '2.0.0' }],
    ['{}', { model_version: '2.0.0' }],
    [gzipSync('{"features":[1]}'), { features: [1], model_version: '2.0.0' }],
  ])('puts the version into %s', (body, expected) => {
    expect(JSON.parse(rewrite(body) ?? '')).toEqual(expected);
  });

  it('leaves every other byte as it was', () => {
    expect(rewrite('{ "request_id": 12345678901234567890, "features": [1.0e2] }')).toBe(
      '{ "request_id": 12345678901234567890, "features": [1.0e2] ,"model_version":"2.0.0"}',
    );
  });

  it.each(['[{"features":[1]}]', 'no json', '"text"', '', 'null', '{}\n{}', Buffer.from([0x1f, 0x8b, 0])])(
    'leaves %j alone',
    body => {
      expect(rewrite(body)).toBeUndefined();
    },
  );
});
