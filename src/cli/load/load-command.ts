import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { availableCores } from '../../backends/onnx/cores.ts';
import { VERSION } from '../../core/version.ts';
import { answerSizes } from '../answer-size.ts';
import { commandSettings } from '../environment.ts';
import { connectConsumer, connectProducer, placeOf } from '../event-hubs.ts';
import { CommandError, columnsOf, paintFor, type Terminal } from '../terminal.ts';
import { choosePayload, type PayloadOptions } from './choose-payload.ts';
import { whole } from './format.ts';
import { packed } from './payload.ts';
import { zipfPicker } from './pick-key.ts';
import { renderPage } from './report-page.ts';
import { runLoad } from './run-load.ts';
import { constantRate, type Ramp, rampedRate, type Schedule } from './schedule.ts';
import type { LoadClock } from './send-load.ts';
import { showReport } from './show-report.ts';
import { MOST_REQUESTS, Tally } from './tally.ts';

export interface LoadOptions extends PayloadOptions {
  readonly rate?: number;
  readonly ramp?: Ramp;
  readonly duration?: number;
  readonly requests?: number;
  readonly workers?: number;
  readonly usual?: boolean;
  readonly pack?: number;
  readonly keys?: number;
  readonly keySkew?: number;
  readonly wait: number;
  readonly consumerGroup: string;
  readonly json?: string;
  readonly html?: string;
}

const DEFAULT_RATE = 100;
const DEFAULT_SECONDS = 30;
const DEFAULT_WORKERS = 16;
const DEFAULT_KEYS = 1000;
const USUAL = { requests: 10_000, workers: 100 };

/** `hubscore load`, once its options are read. */
export async function load(terminal: Terminal, asked: LoadOptions): Promise<void> {
  const { stdout, signal } = terminal;
  const options = asked.usual ? { ...USUAL, ...asked } : asked;
  const pace = planPace(options);
  for (const file of [options.json, options.html]) if (file) checkFolder(resolve(terminal.folder, file));
  const settings = commandSettings(terminal.environment, terminal.folder);
  const single = await choosePayload(terminal, settings, options);
  const sizes = answerSizes(settings, signal);
  const payload =
    options.pack === undefined ? single : packed(single, options.pack, await sizes(single.model, options.modelVersion));
  const { keyOf, says: keys } = planKeys(options);
  const producer = await connectProducer(settings, settings.REQUESTS_HUB);
  const consume = (hub: string) => connectConsumer(settings, hub, options.consumerGroup);
  const hubs = {
    requests: await consume(settings.REQUESTS_HUB),
    results: await consume(settings.RESULTS_HUB),
    deadLetters: await consume(settings.DEAD_LETTER_HUB),
  };
  const place = placeOf(settings.REQUESTS_HUB, producer.fullyQualifiedNamespace);
  const workers = options.workers ?? DEFAULT_WORKERS;
  try {
    const report = await runLoad(
      {
        ...pace,
        producer,
        hubs,
        tally: new Tally(Math.random().toString(36).slice(2, 8)),
        payload,
        workers,
        keyOf,
        waitMs: options.wait * 1000,
        title: `${payload.model ?? 'several models'} → ${place}, ${pace.says}`,
        settings: {
          namespace: producer.fullyQualifiedNamespace,
          requestsHub: settings.REQUESTS_HUB,
          resultsHub: settings.RESULTS_HUB,
          deadLetterHub: settings.DEAD_LETTER_HUB,
          pace: pace.says,
          openLoop: pace.schedule !== undefined,
          workers,
          model: payload.model,
          payload: payload.says,
          pack: options.pack,
          keys,
          machine: { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableCores(), node: process.version },
          version: VERSION,
        },
        clock: systemClock(),
      },
      terminal,
    );
    stdout.write(`\n${showReport(report, paintFor(stdout), columnsOf(stdout)).join('\n')}\n`);
    if (options.json) write(terminal, options.json, `${JSON.stringify(report, null, 2)}\n`);
    if (options.html) write(terminal, options.html, renderPage(report));
    if (signal.aborted) terminal.setExitCode(130);
    else if (report.requests.missing + report.requests.notSent > 0 || report.perSecond.missed !== null)
      terminal.setExitCode(1);
  } finally {
    await Promise.all([producer, ...Object.values(hubs)].map(client => client.close()));
  }
}

interface Pace {
  readonly schedule: Schedule | undefined;
  readonly total: number;
  readonly durationMs: number;
  readonly says: string;
}

/** @throws CommandError where the options contradict each other or ask for too much. */
export function planPace(options: LoadOptions): Pace {
  const { rate, ramp, requests, duration } = options;
  if (rate !== undefined && ramp) throw new CommandError('--rate and --ramp are two paces', 'Give one of them.');
  const paced = ramp
    ? rampedRate(ramp)
    : rate === undefined && requests !== undefined
      ? undefined
      : (rate ?? DEFAULT_RATE);
  const schedule = typeof paced === 'number' ? constantRate(paced) : paced;
  const seconds = duration ?? (requests === undefined ? Math.max(DEFAULT_SECONDS, ramp?.seconds ?? 0) : undefined);
  const durationMs = seconds === undefined ? Number.POSITIVE_INFINITY : seconds * 1000;
  const total = Math.min(
    requests ?? Number.POSITIVE_INFINITY,
    schedule?.dueBefore(durationMs) ?? Number.POSITIVE_INFINITY,
  );
  if (total > MOST_REQUESTS) {
    throw new CommandError(
      `that would be ${whole(Math.ceil(total))} requests; ${whole(MOST_REQUESTS)} are the most of one run`,
      'Take a shorter --duration, or several runs.',
    );
  }
  return { schedule, total, durationMs, says: wordsFor(schedule, requests === undefined ? seconds : undefined, total) };
}

function wordsFor(schedule: Schedule | undefined, seconds: number | undefined, total: number): string {
  if (schedule && seconds !== undefined) return `${schedule.says} for ${seconds} s`;
  const requests = `${whole(total)} ${total === 1 ? 'request' : 'requests'}`;
  return schedule ? `${requests} at ${schedule.says}` : `${requests}, as fast as they go`;
}

function planKeys({ keys, keySkew }: LoadOptions): { keyOf: (n: number) => string | undefined; says: string } {
  if (keys === undefined && keySkew === undefined) return { keyOf: () => undefined, says: 'none' };
  const count = keys ?? DEFAULT_KEYS;
  const pick = zipfPicker(count, keySkew ?? 0, Math.random);
  return { keyOf: () => `key-${pick()}`, says: `${whole(count)}, ${keySkew ? `skew ${keySkew}` : 'evenly'}` };
}

/** Before the run, not after it. */
function checkFolder(file: string): void {
  if (!existsSync(dirname(file))) throw new CommandError(`there is no folder ${dirname(file)}`, 'Make it first.');
}

function write(terminal: Terminal, path: string, text: string): void {
  writeFileSync(resolve(terminal.folder, path), text);
  terminal.stderr.write(`wrote ${path}\n`);
}

function systemClock(): LoadClock {
  return {
    now: () => performance.timeOrigin + performance.now(),
    sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => {}),
  };
}
