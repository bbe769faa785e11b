import { ConstantBackoff, handleAll, retry } from 'cockatiel';
import type { Event, EventBatch } from '../../src/core/event.ts';
import type { PartitionSender } from '../../src/core/hub-sender.ts';
import type { Outcome, RenderDeadLetter } from '../../src/core/outcome.ts';
import { ScoredBatch } from '../../src/core/scored-batch.ts';
import { createAdmission } from '../../src/ledger/admission.ts';
import type { PassedOverMark, PassedOverMarks } from '../../src/ledger/passed-over-marks.ts';
import { createScorer, type Scorer, type ScorerOptions } from '../../src/ledger/scorer.ts';
import { type Fault, MemoryHub, memoryReader, memorySender } from './memory-hub.ts';

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
  /** Whether a card passes a record over: it then has no ending. */
  readonly passes: (sequenceNumber: number, index: number) => boolean;
  /** Of what was passed over, as a process left it. */
  mark: PassedOverMark | undefined;
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
    passes: () => false,
    mark: undefined,
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
    passedOver: worldMarks(world, alive),
    consumerGroup: 'scoring',
    score: async batch => ScoredBatch.of(batch, score(world, batch), [], passedOver(world, batch)),
    renderDeadLetter,
    senders: {
      results: worldSender(world, world.results, process, alive),
      deadLetters: worldSender(world, world.deadLetters, process, alive),
    },
    retry: retry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(0) }),
    refuseWhileAway() {},
    uncertainDelayMs: 0,
    admission: createAdmission(1_000_000),
    weigh: ({ body }) => body.length,
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
  return Array.from({ length: world.requests.next - from }, (_, i) =>
    idsOf(world, from + i).filter((_, index) => !world.passes(from + i, index)),
  ).flat();
}

function idsOf(world: World, sequenceNumber: number): string[] {
  const count = world.requestsOf(sequenceNumber);
  const base = `${world.requests.name}/0/${sequenceNumber}`;
  return count === 1 ? [base] : Array.from({ length: count }, (_, i) => `${base}/${i}`);
}

function score(world: World, { events }: EventBatch): Outcome[] {
  return events.flatMap(event =>
    idsOf(world, event.sequenceNumber).flatMap((resultId, i) => {
      if (world.passes(event.sequenceNumber, i)) return [];
      const kind = world.isBad(event.sequenceNumber, i) ? 'dead-letter' : 'result';
      return [outcome(kind, event, resultId, '{"body":""}')];
    }),
  );
}

/** By event's place, as scoring tells it. */
function passedOver(world: World, { events }: EventBatch): ReadonlyMap<number, number> {
  const counts = events.map(({ sequenceNumber }, at): [number, number] => {
    const records = Array.from({ length: world.requestsOf(sequenceNumber) }, (_, i) => i);
    return [at, records.filter(i => world.passes(sequenceNumber, i)).length];
  });
  return new Map(counts.filter(([, count]) => count > 0));
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

/** The sender of one process; what it appends must say what is true at that very moment. */
function worldSender(world: World, hub: MemoryHub, process: { dead: boolean }, alive: () => void): PartitionSender {
  return memorySender(hub, {
    batch: world.wireBatch,
    nextFault: () => world.faults.shift() ?? 'none',
    tick: () => ++world.nowMs,
    alive,
    crash() {
      process.dead = true;
      throw new Crash('killed');
    },
    onAppended: ({ messageId, own }) => checkMark(world, messageId, Number(own.settled_through)),
  });
}

/** As storage has them; true like any other. */
function worldMarks(world: World, alive: () => void): PassedOverMarks {
  return {
    async read() {
      alive();
      return world.mark;
    },
    async write(hub, partition, mark) {
      alive();
      checkMark(world, `the mark of ${hub}/${partition}`, mark.settledThrough);
      world.mark = mark;
    },
  };
}

/** What `settled_through` says must be true at the very moment it can be read. */
function checkMark(world: World, messageId: string, mark: number): void {
  const there = new Set([...idsIn(world.results), ...idsIn(world.deadLetters)]);
  for (let sequenceNumber = world.requests.first; sequenceNumber <= mark; sequenceNumber++) {
    for (const [i, id] of idsOf(world, sequenceNumber).entries()) {
      if (!there.has(id) && !world.passes(sequenceNumber, i))
        world.falseMarks.push(`${messageId} says settled through ${mark}, but ${id} has no ending`);
    }
  }
}
