import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { programForShow } from '../../scripts/commands-table.ts';
import { freePlace, type Place, type Service, startService } from '../support/pages/local-stack.ts';
import { commandsOf, readPages } from '../support/pages/pages.ts';
import { requestsOn } from '../support/pages/requests.ts';
import { commandsToRun, hubscore, runCommands } from '../support/pages/run-in-text.ts';
import { ELSEWHERE, runPage } from '../support/pages/run-page.ts';

/*
 * Every page is run as a reader would: its blocks in order, in a fresh folder, against what `npm start` starts; what comes out is compared with what the page shows. A comment
 * before a block says `needs Azure`, `continues` (the folder of the block before) or `output` (of the command before), and nothing else.
 */

const ROOT = resolve(import.meta.dirname, '../..');
const pages = readPages(ROOT);
let place: Place;
let stack: Service;

beforeAll(async () => {
  place = await freePlace();
  const environment = { ...process.env, ...place.environment, NO_COLOR: '1' };
  stack = await startService('node scripts/run.cjs dist/local/start.js --no-demo', ROOT, environment);
}, 240_000);
afterAll(async () => {
  await stack?.stop();
  place?.remove();
}, 60_000);

const runnable = pages.filter(({ blocks }) =>
  blocks.some(({ language, mark }) => mark !== 'needs Azure' && ['sh', 'bash', 'console'].includes(language)),
);

describe('requests that pages show', () => {
  const requests = requestsOn(pages);
  it('are answered, each', async () => {
    expect(requests.length).toBeGreaterThan(2);
    const lines = requests.map(({ line }) => line).join('\n');
    expect(await hubscore(['send', '-'], ROOT, place.environment, lines)).toMatchObject({ code: 0, err: '' });
    await vi.waitFor(
      async () => {
        const { out } = await hubscore(['tail', '--once', '--json'], ROOT, place.environment);
        const endings = out
          .split('\n')
          .filter(Boolean)
          .map(line => JSON.parse(line));
        const answered = new Set(endings.filter(ending => !ending.error).map(({ request_id }) => String(request_id)));
        expect(requests.filter(({ id }) => !answered.has(id))).toEqual([]);
      },
      { timeout: 60_000, interval: 1_000 },
    );
  }, 120_000);
});

describe('commands in running text', () => {
  it('end well, or refuse and say why', async () => {
    const commands = commandsToRun(pages, await programForShow());
    console.info(`${commands.length} commands in running text run`);
    expect(commands.length).toBeGreaterThan(15);
    expect((await runCommands(commands, ROOT, place.environment)).join('\n')).toBe('');
  }, 600_000);
});

describe('a page does what it says', () => {
  it.each(runnable.map(page => [page.name, page] as const))(
    '%s',
    async (name, page) => {
      const { commands, compared, faults } = await runPage(page, ROOT, place.environment);
      console.info(`${name}: ${commands} commands run, ${compared} outputs compared`);
      expect(faults.join('\n')).toBe('');
    },
    400_000,
  );

  it('or another test does it, where it takes minutes or another language', () => {
    const commands = pages.flatMap(page =>
      page.blocks.flatMap(block => (block.mark === 'needs Azure' ? [] : commandsOf(block))),
    );
    for (const [pattern, file, there] of ELSEWHERE) {
      expect(readFileSync(join(ROOT, file), 'utf8'), file).toMatch(there);
      expect(commands.length > 0 && pattern).toBeTruthy();
    }
    const scenarios = readFileSync(join(ROOT, 'bench/run.ts'), 'utf8');
    for (const [, only = ''] of pages
      .map(({ text }) => text)
      .join('\n')
      .matchAll(/bench -- --only ([\w,-]+)/g)) {
      for (const name of only.split(',')) expect(scenarios).toMatch(new RegExp(`^ {2}'?${name}'?[:,]`, 'm'));
    }
  });
});
