import { randomUUID } from 'node:crypto';
import { CODE, KafkaError } from './error-code.ts';
import { chooseProtocol, type Joined, type JoinRequest, type Member, sameProtocols, waiting } from './group-member.ts';

type State = 'empty' | 'joining' | 'syncing' | 'stable';

const EMPTY = Buffer.alloc(0);
const MAX_NAME_IN_ID = 100;
/** The first of a group waits that long for others who start at the same time. */
const FIRST_WAIT_MS = 200;

/**
 * A consumer group: who belongs to it, and who reads which partitions. The members agree in rounds ("generations"): all join, one of them, the
 * leader, assigns, all get their part. Who comes, leaves, or is not heard of for its session's time begins the next round.
 */
export class Group {
  readonly #members = new Map<string, Member>();
  #state: State = 'empty';
  #generation = 0;
  #protocol = '';
  #leader = '';
  #round: NodeJS.Timeout | undefined;

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /** Answered once the round is complete. @throws KafkaError */
  join(request: JoinRequest): Promise<Joined> {
    const before = this.#takePlace(request);
    const isNew = before === undefined;
    const id = before?.id ?? `${request.clientId.slice(0, MAX_NAME_IN_ID)}-${randomUUID()}`;
    const member: Member = {
      ...request,
      id,
      assignment: EMPTY,
      session: undefined,
      joining: undefined,
      syncing: undefined,
    };
    this.#refuseStrangers(member);
    if (before) {
      clearTimeout(before.session);
      if (this.#state === 'stable' && id !== this.#leader && sameProtocols(before, member)) {
        this.#members.set(id, { ...member, assignment: before.assignment });
        this.#hear(this.#members.get(id) as Member);
        return Promise.resolve(this.#joined(member));
      }
    }
    this.#members.set(id, member);
    member.joining = waiting();
    const { promise } = member.joining; // the round may end at once
    this.#beginRound(isNew && this.#members.size === 1);
    return promise;
  }

  /** A member's part, once the leader has brought it. @throws KafkaError */
  sync(memberId: string, generation: number, assignments: ReadonlyMap<string, Buffer>): Promise<Buffer> {
    const member = this.#member(memberId, generation);
    this.#hear(member);
    if (this.#state === 'joining') throw rebalancing();
    if (this.#state === 'stable') return Promise.resolve(member.assignment);
    member.syncing = waiting();
    const { promise } = member.syncing;
    if (memberId === this.#leader) {
      this.#state = 'stable';
      for (const each of this.#members.values()) {
        each.assignment = assignments.get(each.id) ?? EMPTY;
        each.syncing?.resolve(each.assignment);
        each.syncing = undefined;
      }
    }
    return promise;
  }

  /** @throws KafkaError where the member is to join again. */
  heartbeat(memberId: string, generation: number): void {
    this.#hear(this.#member(memberId, generation));
    if (this.#state === 'joining') throw rebalancing();
  }

  /** @throws KafkaError */
  leave(memberId: string, instanceId: string | undefined): void {
    const member = this.#members.get(memberId) ?? (instanceId ? this.#ofInstance(instanceId) : undefined);
    if (!member) throw unknownMember();
    this.#remove(member, unknownMember());
  }

  /** Whether this member may commit offsets now. @throws KafkaError */
  refuseCommit(memberId: string, generation: number): void {
    if (generation < 0 && memberId === '') {
      if (!this.isEmpty) throw unknownMember(); // who assigns partitions to itself has a group to itself
      return;
    }
    const member = this.#member(memberId, generation);
    this.#hear(member);
    if (this.#state === 'syncing') throw rebalancing();
  }

  /** No timer is left behind. */
  close(): void {
    clearTimeout(this.#round);
    for (const member of this.#members.values()) clearTimeout(member.session);
  }

  /** Whom this request comes from, as the group knows it; undefined: a new member. @throws KafkaError */
  #takePlace({ memberId, instanceId }: JoinRequest): Member | undefined {
    const present = instanceId === undefined ? undefined : this.#ofInstance(instanceId);
    if (memberId === '') {
      if (present) this.#remove(present, new KafkaError(CODE.fencedInstanceId, 'another has this instance id now'));
      return undefined;
    }
    if (present && present.id !== memberId)
      throw new KafkaError(CODE.fencedInstanceId, 'another has this instance id now');
    const member = this.#members.get(memberId);
    if (!member) throw unknownMember();
    return member;
  }

  #ofInstance(instanceId: string): Member | undefined {
    return [...this.#members.values()].find(member => member.instanceId === instanceId);
  }

  #refuseStrangers(member: Member): void {
    const others = [...this.#members.values()].filter(({ id }) => id !== member.id);
    const fits = others.every(other => other.protocolType === member.protocolType);
    if (!fits || !chooseProtocol([...others, member]))
      throw new KafkaError(CODE.inconsistentGroupProtocol, 'the members of the group have no protocol in common');
  }

  #member(memberId: string, generation: number): Member {
    const member = this.#members.get(memberId);
    if (!member) throw unknownMember();
    if (generation !== this.#generation) throw new KafkaError(CODE.illegalGeneration, `generation ${this.#generation}`);
    return member;
  }

  /** A member lives: its session's time begins anew. One that waits for us cannot be late. */
  #hear(member: Member): void {
    clearTimeout(member.session);
    member.session = setTimeout(() => {
      if (member.joining || member.syncing) this.#hear(member);
      else this.#remove(member, unknownMember());
    }, member.sessionMs);
    member.session.unref();
  }

  #remove(member: Member, reason: KafkaError): void {
    clearTimeout(member.session);
    this.#members.delete(member.id);
    member.joining?.reject(reason);
    member.syncing?.reject(reason);
    if (this.isEmpty) {
      clearTimeout(this.#round);
      this.#state = 'empty';
      this.#leader = '';
    } else this.#beginRound(false);
  }

  /** Has all join again, those who have already aside; complete once all have, or the time is up. */
  #beginRound(isFirst: boolean): void {
    if (this.#state !== 'joining') {
      this.#state = 'joining';
      for (const member of this.#members.values()) {
        member.syncing?.reject(rebalancing());
        member.syncing = undefined;
      }
      const longestMs = Math.max(...[...this.#members.values()].map(({ rebalanceMs }) => rebalanceMs));
      clearTimeout(this.#round);
      this.#round = setTimeout(() => this.#endRound(), isFirst ? FIRST_WAIT_MS : longestMs);
      if (isFirst) return;
    } else if (this.#leader === '') return; // those of the first round wait for its time
    if ([...this.#members.values()].every(({ joining }) => joining)) this.#endRound();
  }

  #endRound(): void {
    clearTimeout(this.#round);
    for (const member of this.#members.values())
      if (!member.joining) {
        clearTimeout(member.session);
        this.#members.delete(member.id);
      }
    if (this.isEmpty) {
      this.#state = 'empty';
      this.#leader = '';
      return;
    }
    const members = [...this.#members.values()];
    this.#state = 'syncing';
    this.#generation++;
    this.#protocol = chooseProtocol(members) as string;
    if (!this.#members.has(this.#leader)) this.#leader = (members[0] as Member).id;
    for (const member of members) {
      const { joining } = member;
      member.joining = undefined;
      this.#hear(member);
      joining?.resolve(this.#joined(member));
    }
  }

  #joined({ id }: Member): Joined {
    const members = id === this.#leader ? [...this.#members.values()] : [];
    return {
      generation: this.#generation,
      protocol: this.#protocol,
      leader: this.#leader,
      memberId: id,
      members: members.map(member => ({
        id: member.id,
        instanceId: member.instanceId,
        metadata: member.protocols.find(({ name }) => name === this.#protocol)?.metadata ?? EMPTY,
      })),
    };
  }
}

const unknownMember = () => new KafkaError(CODE.unknownMemberId, 'not a member of the group');
const rebalancing = () => new KafkaError(CODE.rebalanceInProgress, 'the group is being rebalanced');
