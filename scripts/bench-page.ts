/** Makes docs/performance.md and its pictures from the newest runs in bench/results: `npx --no node scripts/bench-page.ts`; with `--check` it says what is not as it would make it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { median } from '../bench/harness.ts';
import { type Bar, drawBars, short } from './bench/bars.ts';
import { drawLines, type Line } from './bench/lines.ts';
import { BESIDE_IT, REAL_HOST } from './bench/real-host.ts';
import { figure, newestResults, type Result } from './bench/results.ts';
import { filesTable, inputsTable, jobsText, packsTable, remoteTable, serversTable } from './bench/tables.ts';

const ROOT = resolve(import.meta.dirname, '..');
const LOGISTIC = 'diabetes 1.0.0 (logistic), batch 256';
const BOOSTING = 'diabetes 1.1.0 (gradient boosting), batch 256';
const CHURN = 'churn 1.0.0 (records of 19 columns), batch 256';
const results = newestResults(join(ROOT, 'bench/results'));

function run(scenario: string): Result {
  const result = results.get(scenario);
  if (!result) throw new Error(`bench/results has no run of ${scenario}`);
  return result;
}

const made = new Map<string, string>();
function picture(name: string, svg: string): void {
  made.set(`docs/images/${name}.svg`, svg);
}

const path = run('function-path');
const steps = run('steps');
const stream = run('stream');
const cold = run('cold-start');
const bare = run('peers-without-network');
const endpoint = run('peers-through-endpoint');
const servers = run('peers-model-servers');
const overheads = run('overheads');
const cache = run('cache');
const memory = run('memory');
const heavy = run('heavy');
const protocols = run('protocols');
const soak = run('soak');
const deployed = run('package');
const mixtures = run('mixtures');

const TONES: Readonly<Record<string, Bar['tone']>> = { floor: 'ideal', 'straightforward SDK loop': 'other' };

function bars(values: Readonly<Record<string, number>>): Bar[] {
  return Object.entries(values).map(([label, value]) => ({ label, value, tone: TONES[label] ?? 'ours' }));
}

picture(
  'bench-function-path',
  drawBars({
    title: 'From the host’s batch to bytes for the wire',
    unit: 'nanoseconds of processor time an event, one core, batches of 256',
    groups: [
      { title: 'logistic regression, 10 features', bars: bars(figure(path, LOGISTIC, 'nsPerEvent')) },
      { title: 'gradient boosting, 10 features', bars: bars(figure(path, BOOSTING, 'nsPerEvent')) },
    ],
  }),
);
picture(
  'bench-steps',
  drawBars({
    title: 'Where the time goes',
    unit: 'nanoseconds of processor time an event, each step alone, logistic regression, batches of 256',
    groups: [
      {
        title: 'steps',
        bars: bars(figure(steps, LOGISTIC, 'nsPerEvent')).map(bar =>
          bar.label.startsWith('(') ? { ...bar, tone: 'other' } : bar,
        ),
      },
    ],
  }),
);
const faster = (result: Result, ...at: string[]): Bar[] =>
  Object.entries(figure<Record<string, number>>(result, ...at, 'hubscore, times as fast')).map(([label, value]) => ({
    label,
    value,
    tone: 'ours',
    text: `${short(value)} ×`,
  }));
const servedFaster = (instances: string): Bar[] =>
  ['MLServer', 'BentoML'].map(label => {
    const value = figure<number>(servers, instances, label, 'hubscore, times as fast');
    return { label, value, tone: 'ours', text: `${short(value)} ×` };
  });
picture(
  'bench-peers',
  drawBars({
    title: 'How many times as fast as others, in the same run on the same machine',
    unit: 'logarithmic; 1: as fast',
    logarithmic: true,
    groups: [
      { title: 'without network, logistic', bars: faster(bare, LOGISTIC) },
      { title: 'without network, churn', bars: faster(bare, CHURN) },
      { title: 'through the local Event Hubs endpoint, logistic', bars: faster(endpoint) },
      { title: 'by HTTP, one instance a request', bars: servedFaster('1 a request') },
      { title: 'by HTTP, 256 instances a request', bars: servedFaster('256 a request') },
    ],
  }),
);
interface Latencies {
  readonly rate: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}
const latencies = figure<readonly Latencies[]>(stream, 'open loop, ms');
picture(
  'bench-latency',
  drawBars({
    title: 'How long a request waits for its result',
    unit: 'milliseconds from enqueued to enqueued, open loop, endpoint, host and sender on the same machine',
    groups: latencies.map(({ rate, p50, p95, p99 }) => ({
      title: `${short(rate)} requests a second`,
      bars: Object.entries({ p50, p95, p99 }).map(([label, value]) => ({ label, value, tone: 'ours' })),
    })),
  }),
);

interface Course {
  readonly residentMiB: readonly number[];
  readonly heapMiB: readonly number[];
  readonly youngMiB: readonly number[];
  readonly externalMiB: readonly number[];
  readonly growth: number;
}
const HOST = 'functions host with the app';
const course = (of: 'everything' | 'bare', role: string) => figure<Course>(soak, of, 'courses', role);
const line = (label: string, tone: Line['tone'], values: readonly number[]): Line => ({ label, tone, values });
picture(
  'bench-soak',
  drawLines({
    title: 'Memory over a soak',
    unit: 'MiB by the minute; two whole stacks side by side on the same machine',
    panels: [
      {
        title: 'functions host with the app, resident',
        lines: [
          line('everything on', 'ours', course('everything', HOST).residentMiB),
          line('scoring alone', 'other', course('bare', HOST).residentMiB),
        ],
      },
      {
        title: 'of it, everything on: the heap of JavaScript',
        lines: [
          line('young generation', 'ideal', course('everything', HOST).youngMiB),
          line('objects, least in a minute', 'ours', course('everything', HOST).heapMiB),
        ],
      },
      {
        title: 'inference processes, resident',
        lines: [
          line('everything on', 'ours', course('everything', 'inference processes').residentMiB),
          line('scoring alone', 'other', course('bare', 'inference processes').residentMiB),
        ],
      },
      {
        title: 'local endpoint, resident',
        lines: [
          line('everything on', 'ours', course('everything', 'endpoint').residentMiB),
          line('scoring alone', 'other', course('bare', 'endpoint').residentMiB),
        ],
      },
    ],
  }),
);
/** Of what lives: objects and buffers, without the room that the engine and the allocator keep. Medians of the last five minutes over those of minutes 6 to 10. */
function liveGrowth({ heapMiB, externalMiB }: Course): number {
  const live = heapMiB.map((heap, minute) => heap + (externalMiB[minute] as number));
  return median(live.slice(-5)) / median(live.slice(5, 10));
}
const soaked = ['functions host with the app', 'inference processes', 'supervisor', 'endpoint'].map(role => {
  const of = (which: 'everything' | 'bare') => {
    const found = course(which, role);
    return `${short(found.residentMiB.at(-1) as number)} MiB | ${short(found.growth)} | ${short(liveGrowth(found))}`;
  };
  return `| ${role} | ${of('everything')} | ${of('bare')} |`;
});

const percent = (share: number) => `${Math.round(share * 100)} %`;
const latency = (index: number, at: 'p50' | 'p95' | 'p99') => short((latencies[index] as Latencies)[at]);
const overhead = (name: string) =>
  percent(Math.max(0, 1 / figure(overheads, name, 'speed', 'telemetry, cache and ledger') - 1));
const times = (result: Result, ...at: string[]) =>
  short(figure(result, ...at.slice(0, -1), 'hubscore, times as fast', at[at.length - 1] as string));
const saved = (model: string, share: string) => {
  const cost = figure(cache, model, share, 'cost');
  return cost < 0 ? `saves ${percent(-cost)}` : `costs ${percent(cost)}`;
};
const { cpu, cores, node } = path.machine;
const canary = (name: string) =>
  short(figure(mixtures, LOGISTIC, 'nsPerEvent', name) / figure(mixtures, LOGISTIC, 'nsPerEvent', 'usual'));

/** What has no host in it is the same under any. */
const NO_HOST = 'the same';
const NOT_BESIDE = `drains ${short(REAL_HOST.drainPerSecond)} events/s, which others were not measured beside`;
const ofReal = (rate: 1000 | 5000, at: 'p95' | 'p99') => String(REAL_HOST.latency[rate][at]);
const rows: readonly (readonly [what: string, wanted: string, measured: string, realHost: string])[] = [
  ['function path of the floor, logistic', '≥ 0.8', short(figure(path, LOGISTIC, 'speed', 'hubscore')), NO_HOST],
  [
    'function path of the floor, gradient boosting',
    '≥ 0.9',
    short(figure(path, BOOSTING, 'speed', 'hubscore')),
    NO_HOST,
  ],
  [
    'requests off the fast shape, of the floor',
    '≥ 0.3',
    short(figure(path, LOGISTIC, 'speed', 'hubscore, unusual requests')),
    NO_HOST,
  ],
  ['the usual Python loop, without network', '≥ 300 ×', `${times(bare, LOGISTIC, 'Python, one by one')} ×`, NO_HOST],
  ['churn, beside pandas a record', '≥ 1,000 ×', `${times(bare, CHURN, 'Python, one by one')} ×`, NO_HOST],
  [
    'churn, beside ONNX Runtime in Python by batches, its SDK left out',
    '≥ 2.5 ×',
    `${times(bare, CHURN, 'Python, batched bare')} ×`,
    NO_HOST,
  ],
  [
    'the usual Python service, through the endpoint',
    '≥ 40 ×',
    `${times(endpoint, 'Python, one by one')} ×`,
    NOT_BESIDE,
  ],
  ['Python by batches, through the endpoint', '≥ 4 ×', `${times(endpoint, 'Python, batched')} ×`, NOT_BESIDE],
  [
    'open loop, 1,000 a second: p95, p99',
    '≤ 30, 60 ms',
    `${latency(0, 'p95')}, ${latency(0, 'p99')} ms`,
    `${ofReal(1000, 'p95')}, ${ofReal(1000, 'p99')} ms`,
  ],
  ['open loop, 5,000 a second: p99', '≤ 150 ms', `${latency(1, 'p99')} ms`, `${ofReal(5000, 'p99')} ms`],
  [
    'a running canary at 5 %, at 50 % of the keys',
    '≤ 1.3 ×',
    ['canary at 5 %', 'canary at 50 %'].map(name => `${canary(name)} ×`).join(', '),
    NO_HOST,
  ],
  [
    'telemetry, cache and ledger together: logistic, gradient boosting',
    '≤ 10 %',
    `${overhead(LOGISTIC)}, ${overhead(BOOSTING)}`,
    NO_HOST,
  ],
  [
    'cold start to the first scored batch',
    '≤ 1,000 ms',
    `${short(figure(cold, 'worker: process start to first scored batch, ms'))} ms`,
    `${REAL_HOST.startToFirstResultSeconds} s from the start of everything to the first result`,
  ],
  ['of it, loading the functions', '≤ 300 ms', `${short(figure(cold, 'of it: loading the functions'))} ms`, NO_HOST],
  [
    'memory after 1,000,000 events over that after a fifth of them',
    '≤ 1.1',
    short(figure(memory, 'function path, 1,000,000 events', 'growth')),
    'not seen',
  ],
  [
    'what lives in memory after a soak over what did after its first minutes, everything on: host, inference processes, endpoint',
    '≤ 1.1',
    [HOST, 'inference processes', 'endpoint'].map(role => short(liveGrowth(course('everything', role)))).join(', '),
    'not seen',
  ],
];
const oldest = [...results.values()].map(({ at }) => at.slice(0, 10)).sort()[0];
const heavies = Object.keys(heavy.figures as object).map(name => {
  const of = (setup: string, what: string) => short(figure(heavy, name, setup, 'ofInline', what));
  return `| ${name} | ${of('one worker', 'throughput')} | ${of('two workers', 'throughput')} | ${of('one worker', 'late')} |`;
});

const rates = (what: string, name: string) => {
  const of = (...path: string[]) => short(figure(protocols, name, ...path));
  const cpu = (side: string) => of('endpoint, µs of CPU an event', side);
  const [amqp, kafka] = [of('events/s', 'AMQP'), of('events/s', 'Kafka')];
  return `| ${what}, events/s | ${amqp} | ${kafka} | ${of('Kafka, times as fast')} | ${cpu('AMQP')}, ${cpu('Kafka')} µs |`;
};
const quantiles = (what: string, name: string) => {
  const of = (side: string) =>
    `${short(figure(protocols, name, side, 'p50'))}, ${short(figure(protocols, name, side, 'p99'))}`;
  return `| ${what}: p50, p99, ms | ${of('AMQP')} | ${of('Kafka')} | ${of('Kafka, of that')} | |`;
};

made.set(
  'docs/performance.md',
  `# Performance

<!-- Made by scripts/bench-page.ts from bench/results; change it there. -->

Measured on ${cores} cores of ${cpu}, Node ${node}, ONNX Runtime ${path.versions['onnxruntime-node']}, from ${oldest} on; every run with its commit lies in [bench/results](../bench/results).
What is compared ran in turns in the same run on the same machine, at least nine rounds, medians; ratios are taken within a round. The machine is shared and its
memory is others' too: what is quick in nanoseconds is up to a tenth nearer to the floor in a quiet hour than in a busy one.

\`\`\`sh
npm run bench                        # everything but the peers
npm run bench -- --only function-path,stream
npm run bench -- --peers             # makes virtual environments of Python under .local
npx --no node scripts/bench-page.ts   # this page, from the newest runs
\`\`\`

| figure | aim | measured | under the real host |
|---|---|---|---|
${rows.map(row => `| ${row.join(' | ')} |`).join('\n')}

## Function path

Everything that happens to a batch inside the function: the host's buffers in, bytes for the wire out; no network.

![Nanoseconds an event](images/bench-function-path.svg)

- *floor*: the cheapest code known for each step in a bare loop, for one model and one shape of request, writing the same bytes, without metadata, routing, checks or ledger; on the same session of the model.
- *unusual requests*: with one key more than the fast shape has, so that they are parsed.
- *straightforward SDK loop*: JSON.parse, \`session.run\`, JSON.stringify, \`EventDataBatch.tryAdd\`, and nothing else.

![Steps](images/bench-steps.svg)

## Beside others

![Times as fast](images/bench-peers.svg)

- *Python, one by one*: the usual service: \`azure-eventhub\` and scikit-learn (pandas for churn's records), one event, one send and one checkpoint at a time.
- *Python, batched*: JSON, ONNX Runtime and the SDK's batches, 256 events at a time; *bare* leaves the SDK's events out.

By HTTP, 16 connections, the driver on the same cores: hubscore's API behind \`node:http\`, MLServer and BentoML with one worker each, the same rows in their own words, and a server that reads a body and says nothing. Requests a second in a closed loop, the 99th percentile at half of that, in an open one:

${serversTable(servers)}

The endpoint, both sides of it and whoever sends share ${cores} cores, so the stream is slower here than with Event Hubs on the other side: ${short(figure(stream, 'drain of 100,000, events/s'))} events a second of logistic regression, drained; under the real host ${short(REAL_HOST.drainPerSecond)}.

## Latency

![Latency](images/bench-latency.svg)

## Under the real host

What is measured above runs in the local host, which fills no batch by waiting and writes checkpoints beside the work. The real one (4.1037 from its source, Release, .NET 10, with the extension's listener and worker 3.9.1, Node 24) was run against the
same endpoint in 2026-11, warm, endpoint, storage and sender on the same two cores. It waits 20 ms to fill a batch and awaits each checkpoint, and an event costs it the same whatever it holds. Beside it the local host on the same day; \`npm run host -- --like-azure\` waits likewise.

| | local host | real host |
|---|---|---|
${BESIDE_IT.map(row => `| ${row.join(' | ')} |`).join('\n')}

## Kafka beside AMQP

The local endpoint by both of its protocols, in turns; JavaScript's clients (KafkaJS, @azure/event-hubs) on the same ${cores} cores. Azure's reader looks every 20 ms, whatever has come.

| | AMQP | Kafka | ratio | endpoint's processor an event |
|---|---|---|---|---|
${[
  rates('sent by 250 to each of 4 partitions', 'produce, 250 events to each of 4 partitions at once'),
  rates('read, as AMQP sent it', 'consume what AMQP sent'),
  rates('read, as Kafka sent it', 'consume what Kafka sent'),
  quantiles('one event, sent to acknowledged', 'one event, sent to acknowledged, ms'),
  quantiles('one event, sent to received', 'one event, sent to received, ms'),
].join('\n')}

## Packs

A small model of ten features on two cores that everything shares (\`npm run bench -- --only packs,packs-stream\`); the real host ran before packs were read without parsing, so it does better now. What follows from it: [size](size.md#packs).

${packsTable(run('packs'), run('packs-stream'))}

## Formats of events

From the host's buffers to a result, rows of ten numbers, batches of 256: requests of the usual shape, JSON off it, rows by a card's [mapping](inputs.md), other formats.

${inputsTable(run('inputs'))}

## Files

\`batch score\` of a file beside what is usual in Python, on the same ${cores} cores: how many times as fast command and script are from their start, then with our start alone counted, then with neither's. Spark's session is open in all three. *Kept*: the input's columns come out again beside the prediction, as of a pandas frame that gets columns more. Rows a second are ours, from the start.

${filesTable(run('peers-batch'), run('batch'))}

${jobsText(run('batch-jobs'))}

## Models at servers

Milliseconds of a batch of 64 rows at a real MLServer and a real \`mlflow models serve\`, by the client that comes with it in Python, by a bare HTTP client that does nothing else, and through hubscore, which reads 64 requests and writes 64 results as well (\`npm run bench -- --only remote\`).

${remoteTable(run('remote'))}

## Heavy models

In worker processes, relative to in-line, as four partitions bring batches without a pause: throughput with one process and with two on two cores, and how late timers are
with one (99th percentile). Small batches that wait for a thread share its next run; a hop costs them more than it gives, so it is the event loop that gains.

| model | one process | two processes | lateness |
|---|---|---|---|
${heavies.join('\n')}

## Result cache

| model | nothing comes again | 70 % come again |
|---|---|---|
${Object.keys(cache.figures as object)
  .map(model => `| ${model} | ${saved(model, '0 % repeats')} | ${saved(model, '70 % repeats')} |`)
  .join('\n')}

It judges itself: where what it finds is worth less than looking up, it sits out (\`src/scoring/infer/cache-trial.ts\`).

## Memory over a soak

The whole stack twice, side by side, ${figure(soak, 'everything', 'minutes')} minutes at ${short(figure(soak, 'requests a second'))} requests a second each (\`npm run bench -- --only soak --minutes 120 --rate 4000\` for longer): once with traces and metrics that are
exported and read, a cache that finds something, one dead letter in a hundred and a new version of the model every minute; once with nothing but scoring. ${short(figure(soak, 'everything', 'sent'))} and ${short(figure(soak, 'bare', 'sent'))}
requests came to ${short(figure<number>(soak, 'everything', 'results') + figure<number>(soak, 'everything', 'deadLetters'))} and ${short(figure(soak, 'bare', 'results'))} endings. Growth is the median of the last five minutes over that of minutes 6 to 10: of all that is resident, and of what lives in it (objects of JavaScript and buffers).

![Memory by the minute](images/bench-soak.svg)

| | everything on, at the end | growth | of what lives | scoring alone, at the end | growth | of what lives |
|---|---|---|---|---|---|---|
${soaked.join('\n')}

What grows and why it ends: [size](size.md#memory-over-hours).

## Cold start

From the start of the process, with the package as it is deployed, on Node 22, the model in the disk cache, the package of ${figure(deployed, 'files')} files and ${short(figure(deployed, 'zip, MB'))} MB (${short(figure(deployed, 'unpacked, MB'))} unpacked): ${short(figure(cold, 'of it: Node itself'))} ms Node itself, ${short(figure(cold, 'of it: loading the functions'))} ms loading the functions,
${short(figure(cold, 'of it: libraries, connections, model, batch'))} ms the other libraries, the model, connections to three hubs, reading the ledger's tails, the batch. In the local host, which starts a process more and claims its partitions first:
${short(figure(cold, 'local host: process start to first scored batch, ms'))} ms; the real one, with everything else started with it, took ${REAL_HOST.startToFirstResultSeconds} s.
`,
);
const differs = (file: string, content: string) => readFileSync(join(ROOT, file), 'utf8') !== content;
if (process.argv.includes('--check')) {
  const old = [...made].filter(([file, content]) => differs(file, content)).map(([file]) => file);
  if (old.length > 0) {
    process.stderr.write(`not as bench/results has it: ${old.join(', ')}; run npx --no node scripts/bench-page.ts\n`);
    process.exitCode = 1;
  }
} else {
  for (const [file, content] of made) writeFileSync(join(ROOT, file), content);
  process.stdout.write('docs/performance.md and docs/images/bench-*.svg are made\n');
}
