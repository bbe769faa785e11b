/** What `hubscore size` simulates, against what hosts do: bursts of 5 × and a killed host, scored by a remote model with a fixed delay, so that the processor is not the limit. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubProducerClient } from '@azure/event-hubs';
import type { Backend } from '../src/core/backend.ts';
import { REAL_HOST } from '../src/size/costs.ts';
import type { Scenario } from '../src/size/simulate/scenario.ts';
import { simulate } from '../src/size/simulate/simulate.ts';
import { type AppStack, startAppStack } from '../test/support/app-stack.ts';
import { startInferenceServer } from '../test/support/inference-server.ts';
import { temporaryFolder } from '../test/support/models.ts';
import { quantile, round3 } from './harness.ts';
import { openModel } from './models.ts';
import { BEFORE_MS, PROBES, probe, results, send, TICK_MS } from './size-load.ts';

const REQUESTS = 'inference-requests';
/** A run of the remote model takes so long, has so many rows, and a host has one at a time: 128 rows a second. */
const [DELAY_MS, RUN_ROWS] = [250, 32];
/** The local host's: it looks every 2 s and sees at once that a process is dead. */
const LOCAL_OWNERSHIP = { balanceMs: 2_000, expiryMs: 0, openMs: 50 };
const UNLIMITED = Number.POSITIVE_INFINITY;

export interface SizeRun {
  readonly hosts: number;
  readonly partitions: number;
  /** Seconds of the burst. */
  readonly burst: number;
  /** A host is killed in the middle of the burst. */
  readonly killed: boolean;
}

const RUNS: readonly SizeRun[] = [1, 2, 4]
  .flatMap(hosts => [4, 16, 32].map(partitions => ({ hosts, partitions, burst: 10, killed: false })))
  .concat([{ hosts: 2, partitions: 16, burst: 10, killed: true }]);

interface Passed {
  readonly drainS: number;
  readonly p95Ms: number;
}

interface Compared extends SizeRun {
  readonly rate: number;
  /** Of a single event: in the remote model, and beside it. */
  readonly runMs: number;
  readonly besideMs: number;
  readonly measured: Passed;
  readonly simulated: Passed;
  /** Rows of a run on average. */
  readonly rowsARun: number;
  /** Simulated ÷ measured. */
  readonly drain: number;
  readonly p95: number;
  /** Time to drain within 25 %, p95 within 2 ×. */
  readonly agrees: boolean;
}

/** All of them, or those of so many hosts; about 60 s each. */
export async function compareSize(runs: readonly SizeRun[] = RUNS): Promise<Compared[]> {
  const { backend } = (await openModel('diabetes', '1.0.0')).model;
  const server = await startInferenceServer(delayed(backend), { binary: true });
  const compared: Compared[] = [];
  try {
    for (const run of runs) {
      process.stderr.write(
        `   ${run.hosts} hosts, ${run.partitions} partitions${run.killed ? ', one killed' : ''}, about 60 s\n`,
      );
      compared.push(await compareOne(run, server));
      process.stderr.write(`   ${JSON.stringify(compared.at(-1))}\n`);
    }
  } finally {
    await server.close();
    await backend.close();
  }
  return compared;
}

/** Rows of every run, as the model was asked. */
let asked: number[] = [];

const delayed = (backend: Backend): Backend => ({
  ...backend,
  info: backend.info,
  async predict(inputs, options) {
    asked.push(Object.values(inputs)[0]?.dims[0] ?? 0);
    const [outputs] = await Promise.all([backend.predict(inputs, options), sleep(DELAY_MS)]);
    return outputs;
  },
});

async function compareOne(run: SizeRun, server: { readonly url: string; readonly host: string }): Promise<Compared> {
  const { hosts: count, partitions, burst, killed } = run;
  const stack = await startAppStack({}, [partitions, partitions, partitions], {
    REMOTE_HOSTS: server.host,
    AzureFunctionsJobHost__extensions__eventHubs__maxEventBatchSize: String(RUN_ROWS),
  });
  const producer = new EventHubProducerClient(stack.hubs.connectionString, REQUESTS);
  try {
    await pushCard(stack, server.url);
    const hosts = await Promise.all(Array.from({ length: count }, () => stack.startHost()));
    await sleep(6 * LOCAL_OWNERSHIP.balanceMs); // partitions are shared
    const { runMs, besideMs } = await probe(stack, producer, partitions, DELAY_MS + 200);
    // A host fewer still has to carry the usual rate.
    const capacity = (1000 * RUN_ROWS) / runMs;
    const rate = Math.round((killed ? 0.2 : 0.35) * count * capacity);
    asked = [];
    const startedAt = Date.now();
    const killAtMs = BEFORE_MS + (1000 * burst) / 2;
    const killing = killed ? sleep(killAtMs).then(() => hosts[0]?.kill()) : undefined;
    const sent = await send(producer, partitions, rate, burst);
    await killing;
    const times = await results(stack, sent.total + PROBES);
    const burstEndAt = startedAt + BEFORE_MS + 1000 * burst;
    const own = times.filter(({ requestAt }) => requestAt >= startedAt);
    const inTime = own.filter(({ requestAt }) => requestAt <= burstEndAt);
    const measured = {
      drainS: round3((Math.max(...inTime.map(({ resultAt }) => resultAt)) - burstEndAt) / 1000),
      p95Ms: Math.round(
        quantile(
          own.map(({ requestAt, resultAt }) => resultAt - requestAt),
          0.95,
        ),
      ),
    };
    const simulated = simulateOne(run, { runMs, besideMs, perTick: sent.perTick, killAtMs });
    const ratio = (pick: (passed: Passed) => number) => round3(pick(simulated) / pick(measured));
    const [drain, p95] = [ratio(({ drainS }) => drainS), ratio(({ p95Ms }) => p95Ms)];
    const agrees = Math.abs(drain - 1) <= 0.25 && p95 <= 2 && p95 >= 0.5;
    const rowsARun = round3(asked.reduce((sum, rows) => sum + rows, 0) / asked.length);
    return { ...run, rate, runMs, besideMs, rowsARun, measured, simulated, drain, p95, agrees };
  } finally {
    await producer.close();
    await stack.stop();
  }
}

async function pushCard(stack: AppStack, url: string): Promise<void> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'remote.json');
  const backend = { kind: 'open-inference', url, model: 'm', max_concurrent: 1 };
  writeFileSync(path, JSON.stringify({ backend, cache: false, batching: { max_batch_size: RUN_ROWS } }));
  const { code, out } = await stack.hubscore('models', 'push', path, '--name', 'diabetes', '--version', '2.0.0');
  folder.remove();
  if (code !== 0) throw new Error(out);
}

function simulateOne(
  { hosts, partitions, burst, killed }: SizeRun,
  of: {
    readonly runMs: number;
    readonly besideMs: number;
    readonly perTick: readonly number[];
    readonly killAtMs: number;
  },
): Passed {
  const sendUntilMs = of.perTick.length * TICK_MS;
  const scenario: Scenario = {
    partitions,
    costs: {
      ...REAL_HOST,
      eventMs: 0.013,
      fillMs: 0,
      waitMs: of.runMs,
      runs: 1,
      runRows: RUN_ROWS,
      confirmMs: of.besideMs,
      mostEvents: RUN_ROWS,
    },
    rows: 1,
    cores: 2,
    requestBytes: 200,
    resultBytes: 400,
    readers: 1,
    hub: { inEvents: UNLIMITED, inBytes: UNLIMITED, outEvents: UNLIMITED, outBytes: UNLIMITED },
    rateAt: ms => ((of.perTick[Math.floor(ms / TICK_MS)] ?? 0) * 1000) / TICK_MS,
    instances: hosts,
    leastInstances: hosts,
    mostInstances: hosts,
    scale: undefined,
    ownership: LOCAL_OWNERSHIP,
    kills: killed ? [{ atMs: of.killAtMs }] : [],
    retry: { firstMs: 200, mostMs: 5_000 },
    warmUpMs: 0,
    sendUntilMs,
    endMs: sendUntilMs + 300_000,
    drainFromMs: BEFORE_MS + 1000 * burst,
    stepMs: TICK_MS / 5,
    samples: 10,
    seed: 1,
  };
  const { drainMs = Number.NaN, p95Ms = Number.NaN } = simulate(scenario);
  return { drainS: round3(drainMs / 1000), p95Ms: Math.round(p95Ms) };
}
