import { describe, expect, it } from 'vitest';
import {
  appendOutbox,
  changeAndRecord,
  readLastRecord,
  readLines,
  verifyTrail,
} from '../../../src/rollouts/audit-log.ts';
import type { Decide } from '../../../src/rollouts/change.ts';
import { parseDocument } from '../../../src/rollouts/document.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { T0 } from '../../support/rollouts.ts';
import { createRandom } from '../../support/seeded-random.ts';

const path = 'm/deployment.json';
const trail = 'm/2026-11.ndjson';
const signal = AbortSignal.timeout(60_000);

function world() {
  const [store, audit] = [memoryBlobs(), memoryBlobs()];
  const options = { store, path, actor: 'ann', clock: () => T0, signal };
  const to =
    (version: string): Decide =>
    before => ({ document: { ...before, aliases: { production: version } }, action: 'alias' });
  return {
    store,
    audit,
    options,
    change: (version: string) => changeAndRecord(audit, 'm', options, to(version)),
    read: async () => parseDocument((await store.readText(path, signal)).text, path),
    async verify() {
      return verifyTrail(await readLines(audit, 'm', signal), await this.read());
    },
  };
}

describe('the trail', () => {
  it('has every change once, in a chain that holds', async () => {
    const one = world();
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) expect((await one.change(version)).unwritten).toBeUndefined();
    expect((await one.read()).outbox).toEqual([]);
    const { records, faults } = await one.verify();
    expect(faults).toEqual([]);
    expect(records.map(({ revision, to }) => [revision, (to as { aliases: object }).aliases])).toEqual([
      [1, { production: '1.0.0' }],
      [2, { production: '1.1.0' }],
      [3, { production: '1.2.0' }],
    ]);
  });

  it('says who changed a model last, and nothing of one that nobody changed', async () => {
    const one = world();
    expect(await readLastRecord(one.audit, 'm', signal)).toBeUndefined();
    for (const version of ['1.0.0', '1.1.0']) await one.change(version);
    expect(await readLastRecord(one.audit, 'm', signal)).toMatchObject({ revision: 2, actor: 'ann', action: 'alias' });
  });

  it('has each record once where two append the same outbox at any steps of each other', async () => {
    const random = createRandom(Number(process.env.TEST_SEED));
    const pause = async () => {
      for (let turns = random.below(6); turns > 0; turns--) await Promise.resolve();
    };
    for (let round = 0; round < 100; round++) {
      const one = world();
      await one.change('1.0.0');
      one.audit.away = true;
      for (const version of ['1.1.0', '1.2.0']) await one.change(version);
      one.audit.away = false;
      const { list, readText, append } = one.audit;
      const slow = {
        list: async (...asked: Parameters<typeof list>) => pause().then(() => list(...asked)),
        readText: async (...asked: Parameters<typeof readText>) => pause().then(() => readText(...asked)),
        append: async (...asked: Parameters<typeof append>) => pause().then(() => append(...asked)),
      };
      await Promise.all([1, 2, 3].map(() => appendOutbox(slow, 'm', one.options)));
      const { records, faults } = await one.verify();
      expect([faults, records.map(({ revision }) => revision)]).toEqual([[], [1, 2, 3]]);
    }
  });

  it('waits in the outbox while it cannot be written, and is whole all the same', async () => {
    const one = world();
    await one.change('1.0.0');
    one.audit.away = true;
    const changing = await one.change('1.1.0');
    expect(changing.unwritten?.message).toContain('storage is away');
    expect((await one.read()).outbox).toHaveLength(1);
    one.audit.away = false;
    expect(await one.verify()).toMatchObject({ faults: [], records: [{ revision: 1 }, { revision: 2 }] });
    await one.change('1.2.0');
    expect((await one.verify()).records.map(({ revision }) => revision)).toEqual([1, 2, 3]);
  });

  it('has each record once where the outbox was not trimmed', async () => {
    const one = world();
    const write = one.store.writeText;
    await one.change('1.0.0');
    let writes = 0;
    one.store.writeText = (...args) => {
      if (++writes === 2) throw new Error('killed');
      return write(...args);
    };
    expect((await one.change('1.1.0')).unwritten?.message).toBe('killed');
    one.store.writeText = write;
    expect((await one.read()).outbox).toHaveLength(1);
    await Promise.all([appendOutbox(one.audit, 'm', one.options), appendOutbox(one.audit, 'm', one.options)]);
    expect((await one.read()).outbox).toEqual([]);
    expect((await one.verify()).records).toHaveLength(2);
  });

  it('shows what was altered, taken out or put behind', async () => {
    const one = world();
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) await one.change(version);
    const whole = (await one.audit.readText(trail, signal)).text;
    const [first, second, third] = whole.trimEnd().split('\n') as [string, string, string];
    const faultsOf = async (...lines: string[]) => {
      one.audit.put(trail, `${lines.join('\n')}\n`);
      return (await one.verify()).faults.join('; ');
    };
    expect(await faultsOf(first.replace('ann', 'bob'), second, third)).toContain(
      'revision 2: the record before it (revision 1) was altered',
    );
    expect(await faultsOf(first, third)).toContain('one between them is missing');
    expect(await faultsOf(second, third)).toContain('something was before it');
    expect(await faultsOf(first, second)).toContain('the last record is not the one that deployment.json names');
    expect(await faultsOf(first, second, third.replace('ann', 'bob'))).toContain('or it was altered');
    expect(await faultsOf(first, 'oh', second, third)).toContain(`${trail}:2: not a record`);
    expect(await faultsOf(first, second, third)).toBe('');
  });

  it('tells of an edit past it, before and after the next change', async () => {
    const one = world();
    await one.change('1.0.0');
    one.store.put(path, { ...(await one.read()), aliases: { production: '9.9.9' } });
    expect((await one.verify()).faults.join()).toContain('foreign edit');
    await one.change('1.1.0');
    expect(await one.verify()).toMatchObject({
      faults: [],
      records: [{}, { action: 'foreign edit', revision: 2 }, { revision: 3 }],
    });
  });

  it('goes on where the document was written anew', async () => {
    const one = world();
    await one.change('1.0.0');
    one.store.put(path, { aliases: { production: '2.0.0' } });
    await one.change('1.1.0');
    expect(await one.verify()).toMatchObject({
      faults: [],
      records: [{ revision: 1 }, { action: 'foreign edit' }, { revision: 3 }],
    });
  });
});
