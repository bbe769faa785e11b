import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { launch } from '../support/service.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'hubscore-rhea-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts an entry file with its libraries changed before it is loaded, and gives how it ended and what it said. */
async function startWith(change: string, entry: string, cwd?: string): Promise<{ code: number | null; said: string }> {
  const preload = join(folder, 'change.cjs');
  writeFileSync(preload, change.replaceAll("require('", `require('${ROOT}/node_modules/`));
  const environment = {
    NODE_OPTIONS: `--require ${preload}`,
    LOCAL_DATA_DIR: folder,
    EVENTHUBS_PORT: '0',
    EVENTHUBS_HEALTH_PORT: '0',
    KAFKA_PORT: '0',
    FUNCTIONS_PORT: '0',
  };
  const { child, log } = launch(entry, environment, cwd);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said: log() };
}

describe('with another rhea', () => {
  it('the endpoint does not start, and says what is missing', async () => {
    const change = "delete require('rhea/lib/session.js').prototype._write_flow;";
    const { code, said } = await startWith(change, 'src/local/event-hubs/main.ts');
    expect(said).toBe(
      'event hubs: rhea 3.0.5 is installed and lacks, or has otherwise, session._write_flow: the local stack reaches behind ' +
        'its public interface and was written for rhea 3.0.5. Run `npm ci`, which installs what package-lock.json names.\n',
    );
    expect(code).toBe(1);
  });

  it('the endpoint does not start where a file of it is gone', async () => {
    const change = `const { Module } = process.getBuiltinModule('node:module');
      const resolve = Module._resolveFilename;
      Module._resolveFilename = (name, ...rest) => resolve(name === 'rhea/lib/frames.js' ? 'no-such-file' : name, ...rest);`;
    const { code, said } = await startWith(change, 'src/local/event-hubs/main.ts');
    expect(said).toMatch(/^event hubs: rhea 3\.0\.5 is installed and lacks, or has otherwise, frames\.open, /);
    expect(code).toBe(1);
  });

  it('the functions host does not start, and says which one is expected', async () => {
    const app = join(folder, 'app');
    cpSync(join(ROOT, 'test/support/function-apps/hooks'), app, { recursive: true });
    const { code, said } = await startWith(
      "require('rhea/package.json').version = '3.1.0';",
      'src/local/functions-host/main.ts',
      app,
    );
    expect(said).toBe(
      'functions host: rhea 3.1.0 is installed: the local stack reaches behind its public interface and was written for ' +
        'rhea 3.0.5. Run `npm ci`, which installs what package-lock.json names.\n',
    );
    expect(code).toBe(1);
  });
});
