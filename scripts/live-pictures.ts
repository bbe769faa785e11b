/** `npx --no node scripts/live-pictures.ts [URL]`: pictures of the live page for the docs, of a running `npm start`. */
import { resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { haveChromium } from '../test/support/chromium.ts';

const FOLDER = resolve(import.meta.dirname, '../docs/images');
const url = process.argv[2] ?? 'http://localhost:7071/live';

const found = haveChromium();
if ('missing' in found) throw new Error(found.missing);
const browser = await chromium.launch({
  executablePath: found.file,
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
try {
  for (const [name, width, height, colorScheme] of [
    ['live', 1280, 1500, 'light'],
    ['live-dark-narrow', 400, 900, 'dark'],
  ] as const) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, locale: 'en-GB' });
    const page = await context.newPage();
    await page.goto(url);
    await page.locator('#results table').waitFor();
    await page.waitForTimeout(20_000); // until there is a pace to be said
    await page.screenshot({ path: resolve(FOLDER, `${name}.png`) });
    await context.close();
  }
} finally {
  await browser.close();
}
