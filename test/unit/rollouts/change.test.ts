import { describe, expect, it } from 'vitest';
import { type AuditRecord, documentHash, lineOf, sha256 } from '../../../src/rollouts/audit-record.ts';
import { type ChangeOptions, ChangeRefused, changeDocument, type Decide } from '../../../src/rollouts/change.ts';
import { parseDocument } from '../../../src/rollouts/document.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { rolloutOf, START, T0 } from '../../support/rollouts.ts';

const path = 'churn/deployment.json';

function world() {
  const store = memoryBlobs();
  const options: ChangeOptions = {
    store,
    path,
    actor: 'ann',
    clock: () => T0,
    signal: AbortSignal.timeout(60_000),
  };
  const read = async () => parseDocument((await store.readText(path, options.signal)).text, path);
  return { store, options, read };
}

const to =
  (version: string): Decide =>
  before => ({ document: { ...before, aliases: { ...before.aliases, production: version } }, action: 'alias' });

describe('changeDocument', () => {
  it('counts revisions, keeps what routed before, and records each change in a chain', async () => {
    const { options, read } = world();
    await changeDocument(options, to('1.0.0'));
    await changeDocument(options, before => ({
      document: { ...before, rollout: rolloutOf(), effective_at: START },
      action: 'start',
      rollout: 'ro_7Q2',
    }));
    const document = await read();
    expect(document).toMatchObject({ schema: 1, revision: 2, routing_history: [{ revision: 1 }] });
    expect(document.routing_history[0]).not.toHaveProperty('effective_at');
    const records = document.outbox as AuditRecord[];
    expect(records.map(({ revision, action, actor }) => [revision, action, actor])).toEqual([
      [1, 'alias', 'ann'],
      [2, 'start', 'ann'],
    ]);
    expect(records[0]?.previous_sha256).toBeNull();
    expect(records[1]?.previous_sha256).toBe(sha256(lineOf(records[0] as AuditRecord)));
    expect(document.audit_head).toBe(sha256(lineOf(records[1] as AuditRecord)));
    expect(records[1]?.document_sha256).toBe(documentHash(document));
  });

  it('decides anew where somebody else wrote first, so that no change is lost', async () => {
    const { store, options, read } = world();
    store.put(path, { aliases: { production: '1.0.0' } });
    const saw: (string | undefined)[] = [];
    const put = store.writeText;
    let raced = false;
    store.writeText = async (...args) => {
      if (!raced) {
        raced = true;
        store.put(path, { aliases: { production: '1.1.0', staging: '2.0.0' } });
      }
      return put(...args);
    };
    await changeDocument(options, before => {
      saw.push(before.aliases.production);
      return to('1.2.0')(before, T0);
    });
    expect(saw).toEqual(['1.0.0', '1.1.0']);
    expect((await read()).aliases).toEqual({ production: '1.2.0', staging: '2.0.0' });
  });

  it('records what was edited past it', async () => {
    const { store, options, read } = world();
    store.put(path, { aliases: { production: '1.0.0' }, mine: 7 });
    await changeDocument(options, to('1.1.0'));
    const edited = { ...(await read()), aliases: { production: '9.0.0' } };
    store.put(path, edited);
    await changeDocument(options, to('1.2.0'));
    const { outbox, revision, ...rest } = await read();
    expect((outbox as AuditRecord[]).map(({ revision, action }) => [revision, action])).toEqual([
      [1, 'foreign edit'],
      [2, 'alias'],
      [3, 'foreign edit'],
      [4, 'alias'],
    ]);
    expect(revision).toBe(4);
    expect(rest).toMatchObject({ mine: 7 });
  });

  it('goes on with the trail where the document was written anew', async () => {
    const { store, options, read } = world();
    store.put(path, { aliases: {} });
    await changeDocument({ ...options, tail: async () => ({ revision: 17, sha256: 'abc' }) }, to('1.0.0'));
    const { outbox, revision } = await read();
    expect([revision, (outbox as AuditRecord[])[0]?.revision]).toEqual([19, 18]);
    expect((outbox as AuditRecord[])[0]?.previous_sha256).toBe('abc');
  });

  it.each([
    ['{', /not JSON/],
    ['{"schema": 2}', /schema 2 is of a newer hubscore/],
    ['{"aliases": {"production": "latest"}}', /aliases.production: expected a version/],
  ])('leaves %s alone', async (text, reason) => {
    const { store, options } = world();
    store.put(path, text);
    const change = changeDocument(options, to('1.0.0'));
    await expect(change).rejects.toThrow(reason);
    await expect(change).rejects.toThrow(ChangeRefused);
    expect((await store.readText(path, options.signal)).text).toBe(text);
  });
});
