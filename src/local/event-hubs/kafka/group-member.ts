/** What a member brings along when it joins. */
export interface JoinRequest {
  readonly memberId: string;
  /** Of a member that keeps its place over a restart of its own. */
  readonly instanceId: string | undefined;
  readonly clientId: string;
  readonly sessionMs: number;
  readonly rebalanceMs: number;
  readonly protocolType: string;
  readonly protocols: readonly Protocol[];
}

/** A way to assign that a member knows, and what it tells the leader for it. */
export interface Protocol {
  readonly name: string;
  readonly metadata: Buffer;
}

/** What a member learns of a round. */
export interface Joined {
  readonly generation: number;
  readonly protocol: string;
  readonly leader: string;
  readonly memberId: string;
  /** All members, for the leader; nobody for the others. */
  readonly members: readonly {
    readonly id: string;
    readonly instanceId: string | undefined;
    readonly metadata: Buffer;
  }[];
}

export interface Member extends JoinRequest {
  readonly id: string;
  assignment: Buffer;
  session: NodeJS.Timeout | undefined;
  joining: Waiting<Joined> | undefined;
  syncing: Waiting<Buffer> | undefined;
}

/** The first that all know, in the order of the first member. */
export function chooseProtocol(members: readonly Member[]): string | undefined {
  const knows = (member: Member, name: string) => member.protocols.some(protocol => protocol.name === name);
  return members[0]?.protocols.find(({ name }) => members.every(member => knows(member, name)))?.name;
}

export function sameProtocols(one: Member, other: Member): boolean {
  return (
    one.protocols.length === other.protocols.length &&
    one.protocols.every(({ name, metadata }, i) => {
      const protocol = other.protocols[i];
      return protocol?.name === name && metadata.equals(protocol.metadata);
    })
  );
}

export interface Waiting<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

/** A promise that is settled from elsewhere. */
export function waiting<T>(): Waiting<T> {
  let settle: Pick<Waiting<T>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => {}); // whose connection is gone, nobody listens
  return { promise, ...(settle as Pick<Waiting<T>, 'resolve' | 'reject'>) };
}
