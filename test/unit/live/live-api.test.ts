import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readAssets } from '../../../src/live/assets.ts';
import { exampleRequest } from '../../../src/live/example.ts';
import { createLiveApi } from '../../../src/live/live-api.ts';
import type { LiveRoute } from '../../../src/live/routes.ts';
import { putLiveAssets } from '../../support/live-assets.ts';

const folder = mkdtempSync(join(tmpdir(), 'hubscore-live-'));
putLiveAssets(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const assets = readAssets(folder);

const data = { text: '{"models":[]}', etag: 'W/"abc"', asOfMs: Date.UTC(2026, 10, 21, 9) };

function api(look: () => Promise<typeof data> = async () => data) {
  const told: [string, number][] = [];
  const { answer } = createLiveApi({
    data: look,
    assets: () => assets,
    catalog: { routing: () => Promise.reject(new Error('no model here')) },
    recordHttp: (route, status) => void told.push([route, status]),
    clock: () => 0,
    log: { info() {}, warn() {}, error() {} },
  });
  const ask = (
    route: LiveRoute,
    { method = 'GET', url = 'http://localhost:7071/live', params = {}, headers = {} }: Asked = {},
  ) =>
    answer(route, { method, url, params, headers: new Headers(headers), arrayBuffer: async () => new ArrayBuffer(0) });
  return { ask, told };
}

interface Asked {
  readonly method?: string;
  readonly url?: string;
  readonly params?: Record<string, string>;
  readonly headers?: Record<string, string>;
}

describe('the live page as files', () => {
  it('has 30 KB in all, packed', () => {
    const all = [assets.index, ...[...assets.files.values()].map(({ body }) => body)];
    const bytes = all.reduce((sum, body) => sum + gzipSync(body).length, 0);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(30 * 1024);
  });

  it('has no script and no style in its markup, and nothing of other hosts', () => {
    const { index, files } = assets;
    expect(index).not.toMatch(/<style|style=|\son\w+=|javascript:|https?:/);
    expect(index.match(/<script[^>]*>[^<]+</g)).toBeNull();
    for (const [name, { body }] of files)
      if (name !== 'preact.js') expect(body, name).not.toMatch(/innerHTML|https?:\/\/(?!localhost)/i);
  });

  it('imports nothing that is not there', () => {
    for (const [name, { body }] of assets.files)
      for (const [, target = ''] of body.matchAll(/\bfrom\s*['"]\.\/([^'"]+)['"]/g))
        expect(assets.files.has(target), `${name} imports ${target}`).toBe(true);
  });

  it('is what the build has put together', () => {
    expect(readAssets(resolve(import.meta.dirname, '../../../dist/live/page')).hash).toBe(assets.hash);
  });
});

describe('the live page by HTTP', () => {
  it('gives the page under a policy that runs nothing but its own files', async () => {
    const { status, headers, body } = await api().ask('live');
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/html');
    expect(headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self'; style-src 'self'/);
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(body).toContain(`src="live/assets/${assets.hash}/main.js"`);
  });

  it('is at one address, from which its files are found', async () => {
    const { status, headers } = await api().ask('live', { url: 'https://host/app/live/?code=k' });
    expect([status, new URL(headers.location ?? '', 'https://host/app/live/?code=k').href]).toEqual([
      308,
      'https://host/app/live?code=k',
    ]);
  });

  it('lets its files be kept for ever, under an address that is another one with another content', async () => {
    const { ask } = api();
    const asset = await ask('live-asset', { params: { hash: assets.hash, file: 'main.js' } });
    expect(asset.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
    });
    expect((await ask('live-asset', { params: { hash: 'old', file: 'main.js' } })).status).toBe(404);
    expect((await ask('live-asset', { params: { hash: assets.hash, file: '../../app.js' } })).status).toBe(404);
    expect((await ask('live-asset', { params: { hash: assets.hash, file: 'index.html' } })).status).toBe(404);
  });

  it.each([
    ['W/"abc"', 304],
    ['"abc"', 304],
    ['"x", W/"abc"', 304],
    ['*', 304],
    ['W/"abd"', 200],
  ])('answers data to who has %s with %i', async (tag, status) => {
    const reply = await api().ask('live-data', { headers: { 'if-none-match': tag } });
    expect(reply.status).toBe(status);
    expect(reply.body).toBe(status === 304 ? '' : data.text);
    expect(reply.headers).toMatchObject({ etag: 'W/"abc"', 'hubscore-counted-at': '2026-11-21T09:00:00.000Z' });
  });

  it('says why there are no data, and is told of in the metrics', async () => {
    const { ask, told } = api(() => Promise.reject(new Error('storage is away')));
    const { status, body } = await ask('live-data');
    expect([status, body]).toEqual([503, '{"error":"storage is away"}']);
    expect(told).toEqual([['live-data', 503]]);
  });

  it('answers 405 with what is allowed to another method', async () => {
    const { status, headers } = await api().ask('live-data', { method: 'POST' });
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });
});

describe('the request that the form begins with', () => {
  const feature = {
    input: 'x',
    fill: undefined,
    categories: undefined,
    unknown: 'error',
    encode: undefined,
    scale: undefined,
    range: undefined,
  } as const;
  const card = {
    ...{
      name: 'churn',
      version: '1.0.0',
      task: undefined,
      unneededInputs: [],
      fallback: undefined,
      default: undefined,
      cache: true,
      raw: {},
    },
    batching: { maxBatchSize: undefined, maxLength: 512 },
    outputs: {} as never,
    features: [
      { ...feature, name: 'tenure', type: 'number', range: [3, 9] },
      { ...feature, name: 'Contract', type: 'string', categories: ['Two year', 'One year'] },
      { ...feature, name: 'bmi', type: 'number', fill: 24.5 },
    ],
  } as const;
  it('is the card’s example', () => {
    expect(exampleRequest({ ...card, example: [1, 'One year', 2] })).toEqual({
      request_id: 'live-1',
      features: [1, 'One year', 2],
    });
  });
  it('is made of what the card says of its features, where it gives none', () => {
    expect(exampleRequest(card).features).toEqual({ tenure: 3, Contract: 'Two year', bmi: 24.5 });
  });
});
