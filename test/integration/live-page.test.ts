import { EventHubProducerClient } from '@azure/event-hubs';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AppStack, startAppStack } from '../support/app-stack.ts';
import { haveChromium } from '../support/chromium.ts';
import type { FunctionsHost } from '../support/functions-host.ts';
import { emptyFigures, fullFigures, MARKUP } from '../support/live-samples.ts';
import { REQUESTS } from '../support/scoring.ts';

/*
 * The live page in a real Chromium, over one stack. What a small stack does not come to (fifty models, rollouts, jobs) is given to the page in the place of its data.
 */

const found = haveChromium();
if ('missing' in found) console.warn(`the live page is not tried in a browser: ${found.missing}`);

const LONG = 60_000;
const GOOD = 40;
const BAD = 7;
let stack: AppStack;
let host: FunctionsHost;
let browser: Browser;

beforeAll(async () => {
  if ('missing' in found) return;
  stack = await startAppStack();
  [host, browser] = await Promise.all([
    stack.startHost({ SWEEP_SCHEDULE: '*/5 * * * * *' }),
    // A sandbox of its own needs rights that a container does not give.
    chromium.launch({ executablePath: found.file, args: ['--no-sandbox', '--disable-dev-shm-usage'] }),
  ]);
  for (const partition of ['0', '1']) await stack.send(GOOD / 2, partition);
  await sendBad();
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
}, LONG);

async function sendBad(): Promise<void> {
  const producer = new EventHubProducerClient(stack.hubs.connectionString, REQUESTS);
  const bodies = Array.from({ length: BAD }, () => ({
    body: { request_id: MARKUP, model: 'diabetes', features: [1] },
  }));
  await producer.sendBatch(bodies, { partitionId: '1' });
  await producer.close();
}

/** A page whose every error is a failure. @param figures given to it in the place of the app's */
async function open(
  options: BrowserContextOptions = {},
  figures?: () => object,
): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(LONG);
  const faults: string[] = [];
  page.on('pageerror', error => void faults.push(error.message));
  page.on('console', message => void (message.type() === 'error' && faults.push(message.text())));
  if (figures) {
    await page.route('**/live/data', route =>
      route.fulfill({ json: figures(), headers: { 'hubscore-counted-at': new Date().toISOString() } }),
    );
    await page.route('**/live/example/**', route => route.fulfill({ json: { features: [1] } }));
  }
  await page.goto(`${host.url}/live?code=the-key`);
  const isThere = async () => faults.length > 0 || (await page.locator('#traffic').count()) > 0;
  await expect.poll(isThere, { timeout: LONG }).toBe(true);
  return { page, faults };
}

/** Findings of axe-core: WCAG 2 A and AA, and its best practices. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run({ resultTypes: ['violations'] }),
  );
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .map(({ html }) => html)
        .join(' ')
        .slice(0, 300)}`,
  );
}

const overflow = (page: Page) => page.evaluate('document.scrollingElement.scrollWidth - innerWidth');

describe.runIf('file' in found)('the live page', () => {
  it('shows the hubs’ figures, and hands the key on without showing it', async () => {
    const { page, faults } = await open();
    await expect
      .poll(() => page.locator('#results-day').textContent(), { timeout: LONG })
      .toMatch(new RegExp(`^${GOOD}since`));
    await expect
      .poll(() => page.locator('#dead-day').textContent(), { timeout: LONG })
      .toMatch(new RegExp(`^${BAD}since`));
    await expect.poll(() => page.locator('#backlog-words').textContent(), { timeout: LONG }).toBe('No request waits.');
    const asked = await page.waitForRequest('**/live/data');
    expect(asked.headers()['x-functions-key']).toBe('the-key');
    expect(page.url()).toBe(`${host.url}/live`);
    expect(await page.locator('#models').textContent()).toContain('diabetes');
    expect(await page.locator('#dead-letters code', { hasText: 'replay' }).textContent()).toBe(
      'npx hubscore replay --code schema_mismatch --from 24h',
    );
    // What requests bring is text, whatever it looks like.
    expect(await page.locator('#dead-letters').textContent()).toContain('<img src=x');
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(await page.title()).toBe('hubscore live');
    expect(faults).toEqual([]);
    await page.context().close();
  }, 120_000);

  it('scores a request that is filled in from the card, by keyboard alone', async () => {
    const { page } = await open();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the figures');
    const request = page.locator('textarea');
    await expect.poll(() => request.inputValue(), { timeout: LONG }).toContain('"features"');
    expect(Object.keys(JSON.parse(await request.inputValue()))).toEqual(['request_id', 'features']);
    await request.focus();
    await page.keyboard.press('Tab');
    const asking = page.waitForRequest('**/models/diabetes:predict');
    await page.keyboard.press('Enter');
    expect((await asking).postDataJSON()).toMatchObject({ request_id: 'live-1', features: { age: 0 } });
    await page.locator('#answer', { hasText: '"prediction":' }).waitFor();
    await request.fill('{');
    await page.getByRole('button', { name: 'Score' }).click();
    await page.locator('#answer', { hasText: 'no JSON' }).waitFor();
    await page.context().close();
  }, 120_000);

  it('asks nothing while its tab is hidden', async () => {
    const { page } = await open();
    const hide = (isHidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { configurable: true, value: ${isHidden} }); document.dispatchEvent(new Event('visibilitychange'))`,
      );
    await page.waitForResponse('**/live/data');
    await hide(true);
    await page.waitForTimeout(1_000); // for what was asked before
    let asked = 0;
    page.on('request', () => asked++);
    await page.waitForTimeout(5_000);
    expect(asked).toBe(0);
    await hide(false);
    await page.waitForRequest('**/live/data');
    await page.context().close();
  }, 120_000);

  it.each([
    ['everything, light', 1280, 'light', () => fullFigures(Date.now())],
    ['everything, dark, on a phone', 320, 'dark', () => fullFigures(Date.now())],
    ['everything, on a wall', 3840, 'dark', () => fullFigures(Date.now())],
    ['nothing yet', 320, 'light', emptyFigures],
  ] as const)(
    'is for everyone: %s',
    async (_, width, colorScheme, figures) => {
      const { page, faults } = await open({ viewport: { width, height: 900 }, colorScheme }, figures);
      if (width < 3840) expect(await findings(page)).toEqual([]); // what is only wider is no other markup
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      expect(faults).toEqual([]);
      if (process.env.LIVE_PICTURES)
        await page.screenshot({ path: `${process.env.LIVE_PICTURES}/${width}-${colorScheme}.png`, fullPage: true });
      const text = await page.locator('main').textContent();
      if (figures === emptyFigures) expect(text).toContain('npx hubscore models push');
      else expect(text).toMatch(/3 h left|2.99 h left/);
      await page.context().close();
    },
    120_000,
  );

  it('says since when it is stale where its source is broken, and comes back', async () => {
    const { page } = await open();
    let isBroken = true;
    await page.route('**/live/data', route =>
      isBroken ? route.fulfill({ status: 503, json: { error: 'storage is away' } }) : route.continue(),
    );
    const status = page.getByRole('status').first();
    await expect.poll(() => status.textContent(), { timeout: LONG }).toMatch(/^stale since \d.*: storage is away$/);
    expect(await page.locator('#traffic').count()).toBe(1); // what was known stays
    isBroken = false;
    await expect.poll(() => status.textContent(), { timeout: LONG }).toBe('live');
    await stack.storage.stop();
    await expect.poll(() => status.textContent(), { timeout: LONG }).toMatch(/stale since/);
    await page.context().close();
  }, 180_000);
});
