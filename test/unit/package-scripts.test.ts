import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const { scripts, license } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly license: string;
};
/** Programs that npm puts on the path in a form that every system runs. */
const PROGRAMS = ['node', 'tsc', 'biome', 'vitest'];

describe('the scripts of package.json', () => {
  it.each(Object.entries(scripts))('%s is one command of plain words, whatever shell npm has: %s', (_, command) => {
    const words = command.split(' ').slice(command.startsWith('exec ') ? 1 : 0);
    expect(PROGRAMS).toContain(words[0]);
    for (const word of words) expect(word).toMatch(/^[\w./:-]+$/); // no &&, quotes, variables, redirections
    if (words[0] === 'node') expect(existsSync(resolve(ROOT, words[1] ?? ''))).toBe(true);
  });

  // dash keeps itself between npm and the program, dies of npm's SIGTERM, and npm would be gone while the program still holds its ports.
  it.each(['start', 'eventhubs', 'storage', 'host'])('%s leaves no shell between npm and what runs', name => {
    expect(scripts[name]).toMatch(/^exec node /);
    expect(readFileSync(resolve(ROOT, 'exec.cmd'), 'utf8')).toMatch(/^@rem .*\r\n@%\*\r\n$/); // what Windows' shell finds
  });

  it('run others in turn, give further words to the last one, and end at the first that fails', () => {
    const inTurn = (exit: string) => {
      const env = {
        ...process.env,
        npm_execpath: resolve(ROOT, 'test/fixtures/npm-stand-in.cjs'),
        STAND_IN_EXIT: exit,
      };
      const args = ['scripts/in-turn.cjs', 'types', 'lint', '--some', 'option'];
      return spawnSync(process.execPath, args, { cwd: ROOT, env, encoding: 'utf8' });
    };
    expect(inTurn('0')).toMatchObject({
      status: 0,
      stdout: 'run --silent types\nrun --silent lint -- --some option\n',
    });
    expect(inTurn('7')).toMatchObject({ status: 7, stdout: 'run --silent types\n' });
  });
});

it('the licence that package.json names lies there', () => {
  expect(license).toBe('MIT');
  expect(readFileSync(resolve(ROOT, 'LICENSE'), 'utf8')).toMatch(/^MIT License\n/);
});
