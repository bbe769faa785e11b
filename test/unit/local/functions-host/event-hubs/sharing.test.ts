import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ownership, partitionsToClaim } from '../../../../../src/local/functions-host/event-hubs/balance.ts';
import { Checkpointer } from '../../../../../src/local/functions-host/event-hubs/checkpointer.ts';
import { createOwnerId, isDeadOwner } from '../../../../../src/local/functions-host/event-hubs/owner.ts';

describe('partitionsToClaim', () => {
  /** Lets every owner claim in turn until none wants more; the last claim of a partition counts. */
  function settle(
    owners: readonly string[],
    partitionIds: readonly string[],
    start: Map<string, string>,
  ): { owned: Map<string, string>; rounds: number } {
    const owned = new Map(start);
    for (let rounds = 0; ; rounds++) {
      let changed = false;
      for (const me of owners) {
        const active: Ownership[] = [...owned].map(([partitionId, ownerId]) => ({ partitionId, ownerId }));
        for (const id of partitionsToClaim(me, partitionIds, active)) {
          owned.set(id, me);
          changed = true;
        }
      }
      if (!changed) return { owned, rounds };
      if (rounds > 20) throw new Error('does not settle');
    }
  }

  it('settles so that every partition is owned, and owners differ by one at most', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 1, max: 8 }),
        fc.infiniteStream(fc.nat()),
        (partitions, owners, choices) => {
          const ids = Array.from({ length: partitions }, (_, i) => String(i));
          const names = Array.from({ length: owners }, (_, i) => `owner ${i}`);
          const start = new Map<string, string>();
          for (const id of ids) {
            const choice = (choices.next().value as number) % (owners + 1);
            if (choice < owners) start.set(id, names[choice] as string);
          }
          const { owned } = settle(names, ids, start);
          expect(owned.size).toBe(partitions);
          const counts = names.map(name => [...owned.values()].filter(owner => owner === name).length);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('takes all at once where nobody owns any, and nothing where all is even', () => {
    expect(partitionsToClaim('me', ['0', '1', '2'], [])).toEqual(['0', '1', '2']);
    const even = [
      { partitionId: '0', ownerId: 'me' },
      { partitionId: '1', ownerId: 'you' },
      { partitionId: '2', ownerId: 'you' },
    ];
    expect(partitionsToClaim('me', ['0', '1', '2'], even)).toEqual([]);
  });
});

describe('owner ids', () => {
  it('tell a dead process of this machine from a living one', async () => {
    expect(isDeadOwner(createOwnerId())).toBe(false);
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    expect(isDeadOwner(`some-id@${hostname()}:${child.pid}:1`)).toBe(true);
  });

  it('are not taken in by a process that got the same number later', () => {
    const [before] = createOwnerId().split(/:(?=\d*$)/);
    if (process.platform === 'linux') expect(isDeadOwner(`${before}:1`)).toBe(true);
  });

  it('of other machines and programs are taken for alive', () => {
    expect(isDeadOwner('some-id@elsewhere.example:1:1')).toBe(false);
    expect(isDeadOwner('0b1c9a5e-7a1c-4f41-8a5c-6f8f0c3f2b11')).toBe(false);
  });
});

describe('Checkpointer', () => {
  const at = (sequenceNumber: number) => ({ sequenceNumber, offset: String(sequenceNumber) });
  function rig(options: { fail?: number } = {}) {
    const written: number[] = [];
    const errors: unknown[] = [];
    let failures = options.fail ?? 0;
    let writing = 0;
    const checkpointer = new Checkpointer({
      write: async ({ sequenceNumber }) => {
        expect(++writing).toBe(1);
        await new Promise(setImmediate);
        writing--;
        if (failures-- > 0) throw new Error('storage is away');
        written.push(sequenceNumber);
      },
      intervalMs: 5,
      onError: error => errors.push(error),
      clock: () => performance.now(),
    });
    return { checkpointer, written, errors };
  }

  it('writes the newest, one at a time', async () => {
    const { checkpointer, written } = rig();
    for (let i = 0; i < 200; i++) {
      checkpointer.mark(at(i));
      if (i % 10 === 0) await new Promise(setImmediate);
    }
    await checkpointer.flush();
    expect(written.at(-1)).toBe(199);
    expect(written.length).toBeLessThan(20);
    expect([...written].sort((a, b) => a - b)).toEqual(written);
    await checkpointer.flush();
    expect(written.filter(sequenceNumber => sequenceNumber === 199)).toHaveLength(1);
  });

  it('tries again where storage is away', async () => {
    const { checkpointer, written, errors } = rig({ fail: 2 });
    checkpointer.mark(at(7));
    await expect.poll(() => written).toEqual([7]);
    expect(errors).toHaveLength(2);
  });

  it('writes nothing once the partition is lost', async () => {
    const { checkpointer, written } = rig();
    checkpointer.mark(at(1));
    checkpointer.discard();
    checkpointer.mark(at(2));
    await checkpointer.flush();
    expect(written).toEqual([]);
  });
});
