import type { ReceivedEventData } from '@azure/event-hubs';
import { DEAD_LETTERS, REQUESTS, RESULTS, readAll } from '../support/scoring.ts';
import { expectedProbability } from './requests.ts';

/** What a run ended as, counted from the hubs alone, without any of the product's own code. */
export interface Verdict {
  /** In the requests hub; more than were acknowledged where a producer sent again what had been taken. */
  readonly events: number;
  readonly requests: number;
  readonly results: number;
  readonly deadLetters: number;
  readonly missing: Fault;
  readonly repeated: Fault;
  readonly outOfOrder: Fault;
  /** Endings of another kind, code or prediction than expected; repeats that say something else than the first. */
  readonly wrong: Fault;
  /** Acknowledged to the producer and not in the hub. */
  readonly swallowed: Fault;
  /** The longest that an event which is no killer waited from its turn, which is when it was enqueued and the one before it in its partition had ended, to its ending. */
  readonly longestTurnMs: number;
}

export interface Fault {
  count: number;
  readonly examples: string[];
}

interface Asked {
  readonly chaosId: number;
  readonly requests?: number;
  readonly expected?: string;
  readonly killer?: boolean;
}

interface Ending {
  readonly error?: { readonly code: string };
  readonly model?: string;
  readonly model_version?: string;
  readonly prediction?: unknown;
  readonly probabilities?: Readonly<Record<string, number>>;
}

const TOLERANCE = 1e-4;
const EXAMPLES = 5;

export async function judge(connectionString: string, partitions: readonly string[], sent: number): Promise<Verdict> {
  const fault = (): Fault => ({ count: 0, examples: [] });
  const counts = { events: 0, requests: 0, results: 0, deadLetters: 0 };
  const faults = { missing: fault(), repeated: fault(), outOfOrder: fault(), wrong: fault(), swallowed: fault() };
  const seen = new Set<number>();
  let longestTurnMs = 0;

  for (const partition of partitions) {
    const asked = new Map<string, Asked>();
    const turns = createTurns();
    for (const event of await readAll(connectionString, REQUESTS, partition)) {
      const properties = event.properties as unknown as Asked;
      asked.set(`${REQUESTS}/${partition}/${event.sequenceNumber}`, properties);
      seen.add(properties.chaosId);
      turns.asked(event.sequenceNumber, Number(event.enqueuedTimeUtc), properties.killer === true);
      counts.events++;
    }
    const endings = new Map<string, Ending>();
    for (const [kind, hub] of [['results', RESULTS] as const, ['deadLetters', DEAD_LETTERS] as const]) {
      let newest = [-1, -1];
      for (const event of await readAll(connectionString, hub, partition)) {
        const id = String(event.messageId);
        const ending = bodyOf(event);
        const before = endings.get(id);
        if (before) {
          note(faults.repeated, id);
          if (!sameAnswer(before, ending)) note(faults.wrong, `${id} repeated as something else`);
          continue;
        }
        endings.set(id, ending);
        counts[kind]++;
        const [, , sequenceNumber, index] = id.split('/');
        const place = [Number(sequenceNumber), Number(index ?? 0)];
        turns.ended(Number(sequenceNumber), Number(event.enqueuedTimeUtc));
        if (isBefore(place, newest)) note(faults.outOfOrder, `${id} in ${hub}`);
        else newest = place;
        const request = asked.get(eventIdOf(id));
        if (!request) note(faults.wrong, `${id} was never asked`);
        else if (!isRight(request.expected, ending)) {
          note(faults.wrong, `${id}: ${JSON.stringify(ending).slice(0, 300)}, expected ${request.expected}`);
        }
      }
    }
    longestTurnMs = Math.max(longestTurnMs, turns.longestMs());
    const endingsOf = countByEvent(endings.keys());
    for (const [id, { requests }] of asked) {
      const expected = requests ?? Math.max(1, endingsOf.get(id) ?? 0);
      counts.requests += expected;
      for (let i = 0; i < expected; i++) {
        const ending = expected === 1 && endings.has(id) ? id : `${id}/${i}`;
        if (!endings.has(ending)) note(faults.missing, ending);
      }
    }
  }
  for (let chaosId = 0; chaosId < sent; chaosId++) if (!seen.has(chaosId)) note(faults.swallowed, String(chaosId));
  return { ...counts, ...faults, longestTurnMs };
}

/** When the events of a partition were enqueued, and ended. */
function createTurns() {
  const events = new Map<number, { readonly enqueued: number; readonly killer: boolean; ended: number }>();
  return {
    asked: (sequenceNumber: number, enqueued: number, killer: boolean) =>
      events.set(sequenceNumber, { enqueued, killer, ended: 0 }),
    ended(sequenceNumber: number, at: number) {
      const event = events.get(sequenceNumber);
      if (event) event.ended = Math.max(event.ended, at);
    },
    longestMs() {
      let longest = 0;
      let before = 0;
      for (const [, { enqueued, killer, ended }] of [...events].sort(([a], [b]) => a - b)) {
        if (!killer && ended > 0) longest = Math.max(longest, ended - Math.max(enqueued, before));
        before = Math.max(before, ended);
      }
      return longest;
    },
  };
}

/** `hub/2/1841` of `hub/2/1841/3`. */
function eventIdOf(resultId: string): string {
  return resultId.split('/').slice(0, 3).join('/');
}

function countByEvent(resultIds: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const id of resultIds) counts.set(eventIdOf(id), (counts.get(eventIdOf(id)) ?? 0) + 1);
  return counts;
}

function bodyOf({ body }: ReceivedEventData): Ending {
  return JSON.parse(String(body)) as Ending;
}

function isBefore([a, i]: readonly number[], [b, j]: readonly number[]): boolean {
  return a! < b! || (a === b && i! < j!);
}

function isRight(expected: string | undefined, { error, model, model_version, probabilities }: Ending): boolean {
  if (error?.code === 'unexpected') return false; // a fault of ours, whatever came in
  if (expected === undefined) return true;
  if (error) return error.code === expected;
  const probability = expectedProbability(String(model), String(model_version), expected);
  return probability !== undefined && Math.abs(Object.values(probabilities ?? {})[0]! - probability) < TOLERANCE;
}

/** The version may differ where it was changed in between; the answer's kind may not, nor the prediction of one version. */
function sameAnswer(a: Ending, b: Ending): boolean {
  if (a.error || b.error) return a.error?.code === b.error?.code;
  return a.model_version !== b.model_version || JSON.stringify(a.prediction) === JSON.stringify(b.prediction);
}

function note(fault: Fault, example: string): void {
  fault.count++;
  if (fault.examples.length < EXAMPLES) fault.examples.push(example);
}
