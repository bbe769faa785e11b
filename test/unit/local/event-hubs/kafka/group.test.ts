import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CODE, type KafkaError } from '../../../../../src/local/event-hubs/kafka/error-code.ts';
import { Group } from '../../../../../src/local/event-hubs/kafka/group.ts';
import type { JoinRequest } from '../../../../../src/local/event-hubs/kafka/group-member.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const request = (clientId: string, more: Partial<JoinRequest> = {}): JoinRequest => ({
  memberId: '',
  instanceId: undefined,
  clientId,
  sessionMs: 10_000,
  rebalanceMs: 30_000,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.from(clientId) }],
  ...more,
});
const code = (work: () => unknown) => {
  try {
    work();
    return CODE.none;
  } catch (error) {
    return (error as KafkaError).code;
  }
};
const part = (text: string) => Buffer.from(text);

/** A group of one, `a`, who has everything. */
async function groupOfOne() {
  const group = new Group();
  const joining = group.join(request('a'));
  await vi.advanceTimersByTimeAsync(200);
  const a = await joining;
  await group.sync(a.memberId, 1, new Map([[a.memberId, part('all')]]));
  return { group, a };
}

it('those who start together are one round: the leader sees all, each gets its part', async () => {
  const group = new Group();
  const joining = [
    group.join(request('a')),
    group.join(request('b', { protocols: [{ name: 'other', metadata: part('') }, ...request('b').protocols] })),
  ];
  await vi.advanceTimersByTimeAsync(200);
  const [a, b] = await Promise.all(joining);
  expect(a).toMatchObject({ generation: 1, protocol: 'range', leader: a!.memberId });
  expect(a!.members.map(({ id, metadata }) => [id, String(metadata)])).toEqual([
    [a!.memberId, 'a'],
    [b!.memberId, 'b'],
  ]);
  expect(b).toMatchObject({ generation: 1, leader: a!.memberId, members: [] });
  const waiting = group.sync(b!.memberId, 1, new Map());
  const parts = new Map([
    [a!.memberId, part('0,1')],
    [b!.memberId, part('2,3')],
  ]);
  expect(String(await group.sync(a!.memberId, 1, parts))).toBe('0,1');
  expect(String(await waiting)).toBe('2,3');
  expect(code(() => group.heartbeat(b!.memberId, 1))).toBe(CODE.none);
});

it('one who comes begins a round, which the others learn of by heartbeat', async () => {
  const { group, a } = await groupOfOne();
  const joining = group.join(request('b'));
  expect(code(() => group.heartbeat(a.memberId, 1))).toBe(CODE.rebalanceInProgress);
  expect(code(() => group.refuseCommit(a.memberId, 1))).toBe(CODE.none); // what was read before counts
  const again = await group.join(request('a', { memberId: a.memberId }));
  expect(again).toMatchObject({ generation: 2, leader: a.memberId });
  expect(again.members).toHaveLength(2);
  expect((await joining).generation).toBe(2);
  expect(code(() => group.refuseCommit(a.memberId, 1))).toBe(CODE.illegalGeneration);
});

it('one who leaves, or is not heard of for its session, is out, and the rest share anew', async () => {
  const { group, a } = await groupOfOne();
  const joining = group.join(request('b'));
  await group.join(request('a', { memberId: a.memberId }));
  const b = await joining;
  const waiting = group.sync(b.memberId, 2, new Map());
  await group.sync(a.memberId, 2, new Map());
  await waiting;
  for (let i = 0; i < 3; i++) {
    await vi.advanceTimersByTimeAsync(4000);
    code(() => group.heartbeat(b.memberId, 2)); // a is silent
  }
  expect(code(() => group.heartbeat(a.memberId, 2))).toBe(CODE.unknownMemberId);
  expect(code(() => group.heartbeat(b.memberId, 2))).toBe(CODE.rebalanceInProgress);
  const rest = await group.join(request('b', { memberId: b.memberId }));
  expect(rest).toMatchObject({ generation: 3, leader: b.memberId });
  expect(rest.members).toHaveLength(1);
  group.leave(b.memberId, undefined);
  expect(group.isEmpty).toBe(true);
  expect(code(() => group.leave(b.memberId, undefined))).toBe(CODE.unknownMemberId);
});

it('a round does not wait for ever: who has not joined by then is out', async () => {
  const { group, a } = await groupOfOne();
  const joining = group.join(request('b'));
  for (let i = 0; i < 7; i++) {
    code(() => group.heartbeat(a.memberId, 1));
    await vi.advanceTimersByTimeAsync(5000);
  }
  expect(await joining).toMatchObject({ generation: 2 });
  expect(code(() => group.join(request('a', { memberId: a.memberId })))).toBe(CODE.unknownMemberId);
});

it('members agree on how to assign; an instance that comes back takes its place', async () => {
  const { group } = await groupOfOne();
  const stranger = request('c', { protocols: [{ name: 'sticky', metadata: part('') }] });
  expect(code(() => group.join(stranger))).toBe(CODE.inconsistentGroupProtocol);
  const other = new Group();
  const first = other.join(request('a', { instanceId: 'i' }));
  await vi.advanceTimersByTimeAsync(200);
  const { memberId } = await first;
  const second = other.join(request('a', { instanceId: 'i' }));
  await vi.advanceTimersByTimeAsync(200);
  expect((await second).members).toHaveLength(1);
  expect(code(() => other.join(request('a', { instanceId: 'i', memberId })))).toBe(CODE.fencedInstanceId);
});

it('who belongs to no group commits only where nobody else does', async () => {
  expect(code(() => new Group().refuseCommit('', -1))).toBe(CODE.none);
  const { group } = await groupOfOne();
  expect(code(() => group.refuseCommit('', -1))).toBe(CODE.unknownMemberId);
});
