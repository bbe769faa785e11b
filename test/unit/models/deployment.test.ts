import { describe, expect, it } from 'vitest';
import { BlobConflict } from '../../../src/core/blobs.ts';
import { parseDeployment, pinProduction, rollBack, setAlias } from '../../../src/models/deployment.ts';
import { memoryStore } from '../../support/memory-store.ts';

const FILE = 'churn/deployment.json';
const signal = AbortSignal.timeout(60_000);

describe('deployment.json', () => {
  it('names versions by aliases, in any letter case', () => {
    const { aliases } = parseDeployment(
      '{"aliases": {"Production": "1.0.0", "blue": "2.0.0-rc.1"}, "shadow": {"version": "3.0.0"}}',
      FILE,
    );
    expect(Object.fromEntries(aliases)).toEqual({ production: '1.0.0', blue: '2.0.0-rc.1' });
  });

  it.each([
    ['{"aliases": {"production": "v1"}}', 'aliases.production: expected a version like 1.0.0, came "v1"'],
    ['{"aliases": ["1.0.0"]}', 'aliases: expected record, came ["1.0.0"]'],
    ['{', 'not JSON'],
  ])('%s is refused', (text, words) => {
    expect(() => parseDeployment(text, FILE)).toThrow(`${FILE}: ${words}`);
  });
});

const aliasesOf = async (store: ReturnType<typeof memoryStore>) =>
  Object.fromEntries(parseDeployment((await store.readText(FILE, signal)).text, FILE).aliases);

describe('setting an alias', () => {
  it('pins what production was where no alias said it, so that only what is named moves', async () => {
    const store = memoryStore();
    const change = await setAlias(store, 'churn', 'Staging', '1.1.0', signal, '1.0.0');
    expect(change.before).toEqual(new Map());
    expect(await aliasesOf(store)).toEqual({ production: '1.0.0', staging: '1.1.0' });
    await setAlias(store, 'churn', 'staging', '1.2.0', signal, '1.1.0');
    expect(await aliasesOf(store)).toEqual({ production: '1.0.0', staging: '1.2.0' });
    await pinProduction(store, 'churn', '1.2.0', signal);
    expect(await aliasesOf(store)).toEqual({ production: '1.0.0', staging: '1.2.0' });
    const fresh = memoryStore();
    await setAlias(fresh, 'churn', 'production', '1.1.0', signal, '1.0.0');
    expect(await aliasesOf(fresh)).toEqual({ production: '1.1.0', previous: '1.0.0' });
    await pinProduction(memoryStore(), 'churn', '1.2.0', signal);
  });

  it('goes back to the previous version, once', async () => {
    const store = memoryStore();
    store.put(FILE, { aliases: { production: '1.1.0', previous: '1.0.0', blue: '1.1.0' }, shadow: { sample: 5 } });
    await rollBack(store, 'churn', version => version === '1.0.0', signal);
    expect(JSON.parse((await store.readText(FILE, signal)).text)).toMatchObject({
      aliases: { production: '1.0.0', blue: '1.1.0' },
      shadow: { sample: 5 },
    });
    await expect(rollBack(store, 'churn', () => true, signal)).rejects.toThrow(`${FILE} names no previous version`);
    store.put(FILE, { aliases: { production: '1.1.0', previous: '0.9.0' } });
    await expect(rollBack(store, 'churn', () => false, signal)).rejects.toThrow('churn 0.9.0, the previous version');
    expect(await aliasesOf(store)).toEqual({ production: '1.1.0', previous: '0.9.0' });
  });

  it('writes the file, and keeps what else it says', async () => {
    const store = memoryStore();
    await setAlias(store, 'churn', 'production', '1.0.0', signal);
    store.put(FILE, { aliases: { Production: '1.0.0', blue: '1.1.0' }, shadow: { sample: 5 } });
    await setAlias(store, 'churn', 'production', '1.1.0', signal);
    await setAlias(store, 'churn', 'blue', undefined, signal);
    expect(JSON.parse((await store.readText(FILE, signal)).text)).toMatchObject({
      aliases: { production: '1.1.0', previous: '1.0.0' },
      shadow: { sample: 5 },
    });
  });

  it('loses nothing that somebody else writes at the same moment', async () => {
    const store = memoryStore();
    const names = ['a', 'b', 'c', 'd'];
    await Promise.all(names.map(alias => setAlias(store, 'churn', alias, '1.0.0', signal)));
    const { aliases } = parseDeployment((await store.readText(FILE, signal)).text, FILE);
    expect([...aliases.keys()].sort()).toEqual(names);
  });

  it('refuses an alias that reads as a version, and to write over a file it cannot read', async () => {
    const store = memoryStore();
    await expect(setAlias(store, 'churn', 'v2', '1.0.0', signal)).rejects.toThrow('alias v2: expected a name');
    store.put(FILE, 'oh');
    await expect(setAlias(store, 'churn', 'blue', '1.0.0', signal)).rejects.toThrow(`${FILE}: not JSON`);
    expect((await store.readText(FILE, signal)).text).toBe('oh');
  });

  it('writes nothing that would be too large to be read', async () => {
    const store = memoryStore();
    const aliases = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`a${i}`, '1.0.0']));
    store.put(FILE, JSON.stringify({ aliases }));
    await expect(setAlias(store, 'churn', 'blue', '1.0.0', signal)).rejects.toThrow(`${FILE}: more than 262144 bytes`);
    expect(JSON.parse((await store.readText(FILE, signal)).text)).toEqual({ aliases });
  });

  it('gives up where somebody else keeps writing', async () => {
    const store = memoryStore();
    const busy = { ...store, writeText: () => Promise.reject(new BlobConflict('again')) };
    await expect(setAlias(busy, 'churn', 'blue', '1.0.0', signal)).rejects.toThrow('again');
  });
});
