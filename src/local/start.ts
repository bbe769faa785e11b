import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Part } from './demo/part.ts';
import { explainUsedPorts, readPorts } from './demo/ports.ts';
import { askRefusal } from './demo/refusal.ts';
import { runDemo } from './demo/run-demo.ts';
import { createContainer, listSampleModels, uploadSampleModels } from './demo/samples.ts';
import { addressesOf, type PartName, startStackPart } from './demo/stack.ts';
import { StartError } from './demo/start-error.ts';
import { abortable, within } from './waiting.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SAMPLES = join(ROOT, 'samples');
const RATE = 200;
/** npm passes on what the terminal sent already, so one Ctrl-C comes twice; a later one means now. */
const SAME_KEY_PRESS_MS = 500;
const DEMO_LEAVES_MS = 2000;
const HELP = `npm start -- [--no-demo] [--rate N]
  --no-demo   without sample traffic
  --rate N    sample requests a second (${RATE})`;

/** `npm start`: all of hubscore on this machine, sample models, sample traffic and a live view, until Ctrl-C. */
async function main(environment: NodeJS.ProcessEnv): Promise<void> {
  const options = readArguments();
  const ports = readPorts(environment);
  const used = await explainUsedPorts(ports);
  if (used) throw new StartError(used);

  const stack = addressesOf(ports);
  const folders = {
    local: import.meta.dirname,
    root: ROOT,
    data: resolve(ROOT, environment.LOCAL_DATA_DIR || '.local'),
  };
  const parts: Part[] = [];
  const stop = new AbortController();
  onStopSignal(stop, parts);
  const failed = new AbortController();

  const start = async (name: PartName) => {
    const part = startStackPart(name, folders, stack);
    parts.push(part);
    void part.ended.then(how => {
      if (!stop.signal.aborted) failed.abort(new StartError(explainEnd(part, how)));
    });
    const line = await part.ready.catch(error => {
      throw new StartError(explainEnd(part, (error as Error).message));
    });
    say(`  ${name.padEnd(14)} ${/\S+:\/\/[^\s;,]+/.exec(line)?.[0] ?? ''}`);
  };

  let demo: Promise<void> | undefined;
  const work = async () => {
    say(`starting; logs in ${join(folders.data, 'logs')}`);
    await Promise.all([start('event-hubs'), start('storage')]);
    await createContainer(stack.storage, environment.MONITOR_CONTAINER || 'monitor');
    const models = listSampleModels(SAMPLES);
    await uploadSampleModels(stack.storage, environment.MODELS_CONTAINER || 'models', models);
    say(`  ${'models'.padEnd(14)} ${models.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
    await start('functions-host');
    const refusal = await askRefusal(`http://localhost:${stack.functionsPort}`);
    if (refusal) throw new StartError(refusal);
    const [host] = /sb:\/\/[^;]+/.exec(stack.eventHubs) ?? [];
    const { functionsPort, kafkaPort } = stack;
    say(`  ${'live page'.padEnd(14)} http://localhost:${functionsPort}/live`);
    say(`ready ${host} (Event Hubs), http://localhost:${functionsPort} (HTTP), localhost:${kafkaPort} (Kafka)`);
    if (options.demo) {
      demo = runDemo({
        connectionString: stack.eventHubs,
        hubs: {
          requests: environment.REQUESTS_HUB || 'inference-requests',
          results: environment.RESULTS_HUB || 'inference-requests-results',
          deadLetters: environment.DEAD_LETTER_HUB || 'inference-dead-letter',
        },
        samples: SAMPLES,
        rate: options.rate,
        stdout: process.stdout,
        signal: stop.signal,
      });
      await demo;
    } else {
      say('send   npx hubscore send samples/requests/churn.jsonl');
      say('see    npx hubscore tail');
      say('Ctrl-C ends it all');
    }
    await new Promise(() => {}); // until one of the signals comes
  };

  try {
    await abortable(abortable(work(), failed.signal), stop.signal);
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
  } finally {
    stop.abort();
    // The demo leaves before the endpoint that it speaks to, which may be gone already.
    await within(Promise.allSettled([demo]), DEMO_LEAVES_MS);
    await stopParts(parts);
  }
  say(`stopped; what was sent and scored is kept in ${folders.data}`);
}

function readArguments(): { demo: boolean; rate: number } {
  let values: { 'no-demo'?: boolean; rate?: string; help?: boolean };
  try {
    ({ values } = parseArgs({
      options: { 'no-demo': { type: 'boolean' }, rate: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    }));
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n${HELP}`);
  }
  if (values.help) {
    say(HELP);
    process.exit(0);
  }
  const rate = Number(values.rate ?? RATE);
  if (!(rate > 0)) throw new StartError(`--rate ${values.rate}: a number above 0 is needed\n${HELP}`);
  return { demo: !values['no-demo'], rate };
}

function onStopSignal(stop: AbortController, parts: readonly Part[]): void {
  let askedAtMs: number | undefined;
  const onSignal = () => {
    const nowMs = performance.now();
    if (askedAtMs !== undefined && nowMs - askedAtMs > SAME_KEY_PRESS_MS) {
      for (const part of parts) part.kill();
      process.exit(130);
    }
    askedAtMs ??= nowMs;
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  process.stdout.on('error', onSignal); // nobody reads any more: `npm start | head`
}

/** The functions first: they finish what they have in hand, for which they need the others. */
async function stopParts(parts: readonly Part[]): Promise<void> {
  const isHost = ({ name }: Part) => name === 'functions-host';
  await Promise.all(parts.filter(isHost).map(part => part.stop()));
  await Promise.all(parts.filter(part => !isHost(part)).map(part => part.stop()));
}

function explainEnd(part: Part, how: string): string {
  const lines = part.lastLines().map(line => `    ${line}`);
  const said = lines.length > 0 ? `its last lines (all: ${part.logFile}):\n${lines.join('\n')}` : 'it wrote nothing';
  return `${part.name}: ${how}; ${said}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main(process.env).catch((error: unknown) => {
  const words = error instanceof StartError ? error.message : (error as Error).stack;
  process.stderr.write(`npm start: ${words}\n`);
  process.exitCode = 1;
});
