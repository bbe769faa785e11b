import { DEADLY_RUNS } from '../support/deadly.ts';
import { hasRedis } from '../support/redis.ts';
import {
  breakModelFile,
  confirmNothing,
  type Fault,
  freezeHost,
  hangRedis,
  holdResults,
  killEndpoint,
  killHost,
  killRedis,
  killStorage,
  loseStorageForLong,
  publishBrokenVersion,
  refuseResults,
  resetResults,
  slowResults,
} from './faults.ts';

export interface Scenario {
  readonly name: string;
  readonly hosts: number;
  /** Loops that run side by side while requests stream in; in each, one fault after the other, again and again. */
  readonly faults: readonly (readonly Fault[])[];
  /** In the long form also this one, before the others, while requests come in for `longSeconds`. */
  readonly first?: Fault;
  readonly longSeconds?: number;
  /** Two hosts may hold a partition at once, so that both emit; then an ending may be repeated under its id. */
  readonly mayRepeat?: true;
  /** No requests stream in: a batch job's host is killed. */
  readonly batch?: true;
  readonly functions?: string;
  readonly redis?: true;
  readonly settings?: Readonly<Record<string, string>>;
  /** Bodies that nobody has foreseen, and so many times the usual events. */
  readonly fuzz?: number;
  /** Events, files and cards that end, hold up or fill the process that takes them up. */
  readonly killers?: true;
  /** Some events crash or hang the process that runs them. */
  readonly deadly?: true;
  /** How long a partition may be without an ending after a fault, milliseconds; absent: as long as a host takes to be back. */
  readonly silenceMs?: number;
}

/** Time-outs that fit faults of a few seconds. */
const IMPATIENT = { SEND_TIMEOUT_SECONDS: '1', BREAKER_RESET_SECONDS: '1' };
const FILL_HOLES_SOON = { FILL_HOLES_SCHEDULE: '*/2 * * * * *', FILL_HOLES_AFTER_SECONDS: '4' };

const ALL: readonly Scenario[] = [
  { name: 'host killed', hosts: 1, faults: [[killHost]] },
  { name: 'one of two hosts', hosts: 2, faults: [[killHost, freezeHost]], mayRepeat: true },
  { name: 'endpoint killed', hosts: 1, faults: [[killEndpoint]] },
  { name: 'storage killed', hosts: 1, faults: [[killStorage]], first: loseStorageForLong, longSeconds: 100 },
  {
    name: 'results hub refuses',
    hosts: 1,
    faults: [[refuseResults, confirmNothing, holdResults, resetResults, slowResults]],
    settings: IMPATIENT,
  },
  { name: 'Redis vanishes', hosts: 1, faults: [[killRedis, hangRedis]], redis: true },
  { name: 'broken model', hosts: 1, faults: [[publishBrokenVersion, breakModelFile]] },
  {
    name: 'no retry policy',
    hosts: 1,
    faults: [[killEndpoint, refuseResults, killHost]],
    functions: '{src/functions/fill-holes.ts,test/support/function-apps/no-retry/functions/*.ts}',
    settings: { ...IMPATIENT, ...FILL_HOLES_SOON, SEND_RETRIES: '0' },
  },
  {
    // Not held up on its way: what a killed host had written may then arrive after the next one has looked.
    name: 'all together by one host',
    hosts: 1,
    faults: [[killHost], [killEndpoint, killStorage], [refuseResults, confirmNothing]],
    redis: true,
    settings: IMPATIENT,
  },
  {
    name: 'all together',
    hosts: 2,
    faults: [[killHost], [killEndpoint, killStorage], [refuseResults, confirmNothing, holdResults]],
    mayRepeat: true,
    redis: true,
    settings: IMPATIENT,
  },
  {
    name: 'deadly events',
    hosts: 1,
    faults: [[killHost]],
    deadly: true,
    silenceMs: 30_000, // one that hangs is waited for three times
    settings: { NODE_OPTIONS: DEADLY_RUNS, INFERENCE_TIMEOUT_SECONDS: '2', MODEL_LOAD_TIMEOUT_SECONDS: '5' },
  },
  { name: 'batch job', hosts: 1, faults: [], batch: true },
  { name: 'fuzz', hosts: 1, faults: [[killHost]], fuzz: 5 },
  {
    name: 'killers',
    hosts: 1,
    faults: [],
    killers: true,
    longSeconds: 60,
    settings: { MODEL_MEMORY_MB: '512', INFERENCE_MEMORY_MB: '300' },
  },
];

/** The scenarios that can run on this machine; says which cannot. */
export function scenariosHere(say: (line: string) => void): readonly Scenario[] {
  if (hasRedis()) return ALL;
  say('redis-server is not installed here: what needs it is left out (apt-get install redis-server)');
  return ALL.filter(({ redis }) => !redis);
}
