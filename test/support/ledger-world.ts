import { ConstantBackoff, handleAll, retry } from 'cockatiel';
import type { OutgoingMessage } from '../../src/core/ending-messages.ts';
import type { Event, EventBatch } from '../../src/core/event.ts';
import type { HubReader, StoredEvent } from '../../src/core/hub-reader.ts';
import { type PartitionSender, SendError } from '../../src/core/hub-sender.ts';
import type { Outcome, RenderDeadLetter } from '../../src/core/outcome.ts';
import { createBreaker } from '../../src/core/retry-policies.ts';
import { ScoredBatch } from '../../src/core/scored-batch.ts';
import { createAdmission } from '../../src/ledger/admission.ts';
import { createScorer, type Scorer, type ScorerOptions } from '../../src/ledger/scorer.ts';

/** A hub of one partition in memory, as far as the ledger sees hubs. */
export class MemoryHub {
  readonly name: string;
  createdAtMs: number;
  partitions = ['0'];
  events: StoredEvent[] = [];
  first = 0;
  next = 0;

  constructor(name: string, createdAtMs = 1_000) {
    this.name = name;
    this.createdAtMs = createdAtMs;
  }

  append(event: Pick<StoredEvent, 'body' | 'messageId' | 'properties'>, atMs: number): void {
    this.events.push({
      ...event,
      sequenceNumber: this.next++,
      enqueuedAtMs: atMs,
      partitionKey: undefined,
      contentType: 'application/json',
      contentEncoding: undefined,
    });
  }

  /** Retention: everything before this number is gone. */
  expire(first: number): void {
    this.first = first;
    this.events = this.events.filter(event => event.sequenceNumber >= first);
  }

  /** Deleted and made anew. */
  recreate(createdAtMs: number): void {
    Object.assign(this, { createdAtMs, events: [], first: 0, next: 0 });
  }
}

export type Fault =
  | 'none'
  | 'absent'
  | 'unknown, appended'
  | 'unknown, not appended'
  | 'crash before'
  | 'crash after'
  | 'too large';

export class Crash extends Error {}

export interface World {
  readonly requests: MemoryHub;
  readonly results: MemoryHub;
  readonly deadLetters: MemoryHub;
  nowMs: number;
  /** What happens to the next batches that leave a sender. */
  faults: Fault[];
  /** Messages of one batch on the wire. */
  readonly wireBatch: number;
  /** How many requests an event carries: the same every time it is decoded. */
  readonly requestsOf: (sequenceNumber: number) => number;
  /** Whether a request ends as a dead letter: it may be another every time it is scored. */
  readonly isBad: (sequenceNumber: number, index: number) => boolean;
  readonly said: string[];
  /** Marks that were not true when they were appended. */
  readonly falseMarks: string[];
}

export function createWorld(options: Partial<World> = {}): World {
  return {
    requests: new MemoryHub('requests'),
    results: new MemoryHub('results'),
    deadLetters: new MemoryHub('dead'),
    nowMs: 10_000,
    faults: [],
    wireBatch: 3,
    requestsOf: () => 1,
    isBad: () => false,
    said: [],
    falseMarks: [],
    ...options,
  };
}

export function request(world: World, count: number): void {
  for (let i = 0; i < count; i++) {
    world.nowMs += 1;
    world.requests.append({ body: Buffer.from('{}'), messageId: undefined, properties: {} }, world.nowMs);
  }
}

/** One worker process of the app, over the world's hubs; a crash makes every further step of it fail. */
export interface Process {
  readonly scorer: Scorer;
  dead: boolean;
}

export function startProcess(
  world: World,
  options: Partial<ScorerOptions> & { initialPosition?: 'start' | 'batch' } = {},
): Process {
  const process = { dead: false } as { dead: boolean; scorer: Scorer };
  const alive = () => {
    if (process.dead) throw new Crash('this process is dead');
  };
  const say = (message: string) => void world.said.push(message);
  const log = { info: say, warn: say, error: say };
  const { initialPosition = 'start', ...rest } = options;
  process.scorer = createScorer({
    ledger: {
      hubs: {
        requests: memoryReader(world.requests, alive),
        results: memoryReader(world.results, alive),
        deadLetters: memoryReader(world.deadLetters, alive),
      },
      initialPosition,
      log,
    },
    consumerGroup: 'scoring',
    score: async batch => ScoredBatch.of(batch, score(world, batch)),
    renderDeadLetter,
    senders: {
      results: memorySender(world, world.results, process, alive),
      deadLetters: memorySender(world, world.deadLetters, process, alive),
    },
    retry: retry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(0) }),
    breaker: createBreaker(
      { name: 'results hub', failures: 1_000, resetMs: 1, log },
      error => error instanceof SendError,
    ),
    uncertainDelayMs: 0,
    admission: createAdmission(1_000_000),
    maxSliceBytes: 1_000_000,
    deadlineMs: 5_000,
    silentAfterMs: 60_000,
    observer: { settled: () => {}, ledger: () => {} },
    clock: () => world.nowMs,
    log,
    ...rest,
  });
  return process;
}

export function batchOf(world: World, from: number, count: number): EventBatch {
  const events = world.requests.events.filter(
    event => event.sequenceNumber >= from && event.sequenceNumber < from + count,
  );
  return { hub: world.requests.name, consumerGroup: 'scoring', partition: '0', events };
}

export const renderDeadLetter: RenderDeadLetter = (_source, subject, error) =>
  outcome('dead-letter', subject.event, subject.resultId, JSON.stringify({ error: error.code, body: '' }));

/** Ids of everything in a hub, in order. */
export const idsIn = (hub: MemoryHub): string[] => hub.events.map(event => event.messageId ?? '');

/** Ids of every request there is, in order. */
export function allIds(world: World, from = 0): string[] {
  return Array.from({ length: world.requests.next - from }, (_, i) => idsOf(world, from + i)).flat();
}

function idsOf(world: World, sequenceNumber: number): string[] {
  const count = world.requestsOf(sequenceNumber);
  const base = `${world.requests.name}/0/${sequenceNumber}`;
  return count === 1 ? [base] : Array.from({ length: count }, (_, i) => `${base}/${i}`);
}

function score(world: World, { events }: EventBatch): Outcome[] {
  return events.flatMap(event =>
    idsOf(world, event.sequenceNumber).map((resultId, i) =>
      outcome(world.isBad(event.sequenceNumber, i) ? 'dead-letter' : 'result', event, resultId, '{"body":""}'),
    ),
  );
}

function outcome(kind: Outcome['kind'], event: Event, resultId: string, body: string): Outcome {
  return {
    kind,
    event,
    resultId,
    requestId: undefined,
    text: undefined,
    model: 'm',
    modelVersion: '1.0.0',
    variant: undefined,
    body: Buffer.from(body),
    code: kind === 'result' ? undefined : 'schema_mismatch',
    latencyMs: 1,
  };
}

export function memoryReader(hub: MemoryHub, alive: () => void): HubReader {
  return {
    hub: hub.name,
    async describe() {
      alive();
      return { createdAtMs: hub.createdAtMs, partitions: hub.partitions };
    },
    async range() {
      alive();
      const lastEnqueuedAtMs = hub.events.at(-1)?.enqueuedAtMs ?? (hub.next > 0 ? 20_000 : undefined);
      return { first: hub.first, last: hub.next - 1, lastEnqueuedAtMs, empty: hub.events.length === 0 };
    },
    async *read(_partition, from) {
      const wanted = (event: StoredEvent) =>
        'sequenceNumber' in from
          ? event.sequenceNumber >= from.sequenceNumber
          : event.enqueuedAtMs > from.enqueuedAfterMs;
      const events = hub.events.filter(wanted);
      if (events.length === 0) throw new Error(`nothing to read from ${hub.name}`);
      for (let i = 0; i < events.length; i += 5) {
        alive();
        yield events.slice(i, i + 5);
      }
      throw new Error(`read past the end of ${hub.name}`);
    },
    async close() {},
  };
}

function memorySender(world: World, hub: MemoryHub, process: { dead: boolean }, alive: () => void): PartitionSender {
  const append = (messages: readonly OutgoingMessage[]) => {
    world.nowMs += 1;
    for (const { messageId, shared, own, body } of messages) {
      hub.append({ body, messageId, properties: { ...shared, ...own } }, world.nowMs);
      checkMark(world, messageId, Number(own.settled_through));
    }
  };
  const crash = (): never => {
    process.dead = true;
    throw new Crash('killed');
  };
  return {
    async send(_partition, list) {
      const messages = [...list];
      for (let at = 0; at < messages.length; at += world.wireBatch) {
        alive();
        const batch = messages.slice(at, at + world.wireBatch);
        const fault = world.faults.shift() ?? 'none';
        if (fault === 'crash before') crash();
        if (fault === 'absent') throw new SendError('refused', 'absent', at);
        if (fault === 'unknown, not appended') throw new SendError('lost', 'unknown', at);
        if (fault === 'too large') throw new SendError('too large', 'too-large', at);
        append(batch);
        if (fault === 'unknown, appended') throw new SendError('lost', 'unknown', at);
        if (fault === 'crash after') crash();
      }
    },
    async close() {},
  };
}

/** What `settled_through` says must be true at the very moment it can be read. */
function checkMark(world: World, messageId: string, mark: number): void {
  const there = new Set([...idsIn(world.results), ...idsIn(world.deadLetters)]);
  for (let sequenceNumber = world.requests.first; sequenceNumber <= mark; sequenceNumber++) {
    for (const id of idsOf(world, sequenceNumber)) {
      if (!there.has(id)) world.falseMarks.push(`${messageId} says settled through ${mark}, but ${id} has no ending`);
    }
  }
}
