/**
 * Heavy models: in-line beside one worker process and beside two, as four partitions bring batches without a pause. Of each: events a
 * second, how late timers are, and, since both say little on a machine that others use, the CPU behind them. `node bench/heavy.ts`, or
 * `npm run bench -- --only heavy`.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createHistogram } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { parseCard } from '../src/models/card.ts';
import { network } from '../test/support/onnx.ts';
import { createFunctionPath, metadataOf } from './function-path.ts';
import { median, round3 } from './harness.ts';
import { type OpenedModel, openFile } from './models.ts';

const PARTITIONS = 4;
const FEATURES = 64;
const ROUNDS = 9;
const ROUND_MS = 400;
const SETUPS = [
  { name: 'in-line', threads: 0 },
  { name: 'one worker', threads: 1 },
  { name: 'two workers', threads: 2 },
];

interface Sample {
  readonly eventsPerSecond: number;
  readonly lateP99Ms: number;
  /** CPU time of the event loop's thread between two timers: what their lateness would be if nobody else used the machine. */
  readonly turnP99Ms: number;
  /** CPU time of the event loop's thread an event. */
  readonly mainUs: number;
}

/** Figures of one model and one size of batches: medians, the ratios to in-line taken within a round. */
export async function compareHeavy(file: string, batchSize: number): Promise<unknown> {
  const raw = parseCard('{}', 'model.json');
  const opened: OpenedModel[] = [];
  for (const { threads } of SETUPS) {
    opened.push(await openFile({ name: 'heavy', version: '1.0.0', file, threads, raw }));
  }
  const rounds: Sample[][] = [];
  for (const { model } of opened) await sample(model, batchSize);
  while (rounds.length < ROUNDS) {
    const round: Sample[] = [];
    const order = [...opened.entries()];
    for (const [setup, { model }] of rounds.length % 2 === 0 ? order : order.reverse()) {
      round[setup] = await sample(model, batchSize);
    }
    rounds.push(round);
  }
  const figures = SETUPS.map(({ name }, setup) => {
    const over = (read: (its: Sample, inline: Sample) => number) =>
      round3(median(rounds.map(round => read(round[setup] as Sample, round[0] as Sample))));
    return [
      name,
      {
        slice: (opened[setup] as OpenedModel).model.backend.info.maxBatchSize,
        eventsPerSecond: over(its => its.eventsPerSecond),
        lateP99Ms: over(its => its.lateP99Ms),
        turnP99Ms: over(its => its.turnP99Ms),
        mainUs: over(its => its.mainUs),
        ofInline: {
          throughput: over((its, inline) => its.eventsPerSecond / inline.eventsPerSecond),
          late: over((its, inline) => its.lateP99Ms / inline.lateP99Ms),
          turn: over((its, inline) => its.turnP99Ms / inline.turnP99Ms),
        },
      },
    ];
  });
  for (const { model, backends } of opened) {
    await model.backend.close();
    await backends.close();
  }
  return Object.fromEntries(figures);
}

/** The partitions score batch after batch for a while; timers are set one after the other meanwhile. */
async function sample(model: OpenedModel['model'], batchSize: number): Promise<Sample> {
  const score = createFunctionPath(model);
  const batches = Array.from({ length: PARTITIONS }, (_, partition) => bodiesOf(partition, batchSize));
  const metadata = metadataOf(batchSize);
  async function scoreFor(milliseconds: number): Promise<number> {
    const start = performance.now();
    let events = 0;
    await Promise.all(
      batches.map(async bodies => {
        while (performance.now() - start < milliseconds) {
          await score(bodies, metadata);
          events += bodies.length;
          await turn(); // as sending does
        }
      }),
    );
    return events;
  }
  await scoreFor(ROUND_MS / 4); // the caches are still the setup's before
  const timers = watchTimers();
  const start = performance.now();
  const before = mainCpuUs();
  const events = await scoreFor(ROUND_MS);
  const seconds = (performance.now() - start) / 1000;
  const mainUs = mainCpuUs() - before;
  return {
    ...timers.stop(),
    eventsPerSecond: events / seconds,
    mainUs: mainUs / events,
  };
}

function watchTimers() {
  const WAIT_MS = 2;
  const [late, turns] = [createHistogram(), createHistogram()];
  let timer: NodeJS.Timeout;
  const set = () => {
    const [due, cpuUs] = [performance.now() + WAIT_MS, mainCpuUs()];
    timer = setTimeout(() => {
      late.record(Math.max(1, Math.round((performance.now() - due) * 1e6)));
      turns.record(Math.max(1, (mainCpuUs() - cpuUs) * 1000));
      set();
    }, WAIT_MS);
  };
  set();
  return {
    stop() {
      clearTimeout(timer);
      return { lateP99Ms: late.percentile(99) / 1e6, turnP99Ms: turns.percentile(99) / 1e6 };
    },
  };
}

function mainCpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

function bodiesOf(partition: number, size: number): Buffer[] {
  return Array.from({ length: size }, (_, i) => {
    const features = Array.from({ length: FEATURES }, (_, column) => (i * 7 + column * 3 + partition) % 17);
    return Buffer.from(JSON.stringify({ request_id: `request-${partition}-${i}`, model: 'heavy', features }));
  });
}

/** A network made here, and the fixtures' network and forest where they are; batches of 8 show what sharing runs is worth. */
export async function benchHeavy(): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  try {
    const own = join(folder, 'network.onnx');
    writeFileSync(own, network());
    const fixture = (name: string) => resolve(import.meta.dirname, `../../shared/models/${name}/1.0.0/model.onnx`);
    const models = { network: own, 'digits-mlp': fixture('digits-mlp'), 'digits-forest': fixture('digits-forest') };
    const figures: Record<string, unknown> = {};
    for (const [name, file] of Object.entries(models)) {
      if (!existsSync(file)) continue;
      for (const size of [256, 8]) figures[`${name}, batches of ${size}`] = await compareHeavy(file, size);
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) console.log(JSON.stringify(await benchHeavy(), null, 1));
