import { gunzipSync, inflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { packed } from '../../../src/http/packed.ts';

const REPLY = {
  status: 200,
  headers: { 'content-type': 'text/plain' },
  body: 'inference_requests_total 1\n'.repeat(100),
};
const asking = (accepted: string | null) => ({
  params: {},
  headers: { get: (name: string) => (name === 'accept-encoding' ? accepted : null) },
  arrayBuffer: async () => new ArrayBuffer(0),
});

it.each(['gzip', 'deflate;q=0.5, gzip', 'GZIP', '*', 'br;q=1, *;q=0.1'])('%s takes a packed reply', async accepted => {
  const { headers, body } = await packed(REPLY, asking(accepted));
  expect(headers).toEqual({ 'content-type': 'text/plain', 'content-encoding': 'gzip', vary: 'accept-encoding' });
  expect(body.length).toBeLessThan(200);
  expect(gunzipSync(body as Uint8Array).toString()).toBe(REPLY.body);
});

it.each(['deflate', 'br, deflate', 'gzip;q=0, *', 'gzip;q=0.1, deflate;q=0.2'])(
  '%s takes a deflated one',
  async accepted => {
    const { headers, body } = await packed(REPLY, asking(accepted));
    expect(headers['content-encoding']).toBe('deflate');
    expect(inflateSync(body as Uint8Array).toString()).toBe(REPLY.body);
  },
);

it.each([null, '', 'identity', 'gzip;q=0', 'br', 'gzip;q=0, deflate;q=0, *'])(
  '%s takes it as it is',
  async accepted => {
    expect(await packed(REPLY, asking(accepted))).toBe(REPLY);
  },
);

it('a short reply stays as it is', async () => {
  const short = { ...REPLY, body: 'up 1\n' };
  expect(await packed(short, asking('gzip'))).toBe(short);
});
