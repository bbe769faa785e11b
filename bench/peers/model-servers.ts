import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, quantile, round3 } from '../harness.ts';
import { sampleFeatures } from '../requests.ts';
import { openStream } from '../stream.ts';
import { virtualEnvironment } from './venv.ts';

const TRAIN = resolve(import.meta.dirname, '../../samples/models/diabetes/train.csv');
const CONNECTIONS = 16;
const ROUND_MS = 2_000;
/** Rows a request; JSON bodies of about 100 bytes, 10 KB and 1 MB. */
const INSTANCES = { '1 a request': 1, '256 a request': 256, '1 MB a request': 10_000 };

/** Something that answers predictions by HTTP. */
interface Server {
  readonly url: string;
  body(rows: readonly unknown[]): unknown;
  stop(): Promise<unknown>;
}

/**
 * Requests by HTTP to the logistic model, in turns, this driver on the same cores: hubscore's API behind node:http, the same in the local Functions host, MLServer and BentoML with one worker each, and a server that
 * reads a body and says nothing, which no other can beat. Closed loop for how many a second there are; then half of that at fixed times, for how long one takes.
 */
export async function compareModelServers(rounds = 9) {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  const servers: Record<string, Server> = {};
  try {
    servers.hubscore = await startOwn('api');
    servers['hubscore in its local host'] = await startHubscore();
    servers['node:http that says nothing'] = await startOwn('bare');
    servers.MLServer = await startMlserver(join(folder, 'mlserver'));
    servers.BentoML = await startBentoml(join(folder, 'bentoml'));
    const figures: Record<string, unknown> = {};
    for (const [title, instances] of Object.entries(INSTANCES))
      figures[title] = await compareServers(servers, instances, rounds);
    return figures;
  } finally {
    await Promise.all(Object.values(servers).map(server => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compareServers(servers: Readonly<Record<string, Server>>, instances: number, rounds: number) {
  const features = sampleFeatures('diabetes', '1.0.0') as number[][];
  // A large request is of measurements, with six decimals.
  const cellOf = (value: number, i: number) => (instances > 1_000 ? Number((value + i / 7_777).toFixed(6)) : value);
  const rows = Array.from({ length: instances }, (_, i) =>
    (features[i % features.length] as number[]).map(value => cellOf(value, i)),
  );
  const samples = Object.entries(servers).map(([name, { url, body }]) => ({
    name,
    url,
    body: Buffer.from(JSON.stringify(body(rows))),
    rates: [] as number[],
    p99s: [] as number[],
    halfP99s: [] as number[],
  }));
  for (const { url, body } of samples) await load(url, body, 500);
  for (let round = 0; round < rounds; round++) {
    for (const sample of round % 2 === 0 ? samples : [...samples].reverse()) {
      const latencies = await load(sample.url, sample.body, ROUND_MS);
      sample.rates.push((latencies.length * 1000) / ROUND_MS);
      sample.p99s.push(quantile(latencies, 0.99));
      const half = await loadAt(sample.url, sample.body, median(sample.rates) / 2, ROUND_MS);
      sample.halfP99s.push(quantile(half, 0.99));
    }
  }
  const ours = samples[0]?.rates ?? [];
  return Object.fromEntries(
    samples.map(({ name, body, rates, p99s, halfP99s }) => [
      name,
      {
        requestsPerSecond: Math.round(median(rates)),
        p99Ms: round3(median(p99s)),
        p99MsAtHalf: round3(median(halfP99s)),
        bodyBytes: body.length,
        ...(rates !== ours && {
          'hubscore, times as fast': round3(median(rates.map((rate, i) => (ours[i] as number) / rate))),
        }),
      },
    ]),
  );
}

/** Latencies, milliseconds, of what some connections get answered, each asking as soon as it was. */
async function load(url: string, body: Buffer, durationMs: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const latencies: number[] = [];
  const end = performance.now() + durationMs;
  const connection = async () => {
    while (performance.now() < end) {
      const start = performance.now();
      await post(url, body, agent);
      latencies.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  agent.destroy();
  return latencies;
}

/** The same of requests that are sent at fixed times, whatever is answered by then; each counts from when it was due. */
async function loadAt(url: string, body: Buffer, perSecond: number, durationMs: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 }); // as many as HTTP_MAX_CONCURRENT lets in: more would be answered 503
  const latencies: number[] = [];
  const begin = performance.now();
  const count = Math.max(1, Math.floor((perSecond * durationMs) / 1000));
  const sent: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    const dueMs = begin + (i * 1000) / perSecond;
    const early = dueMs - performance.now();
    if (early > 0) await sleep(early);
    sent.push(post(url, body, agent).then(() => void latencies.push(performance.now() - dueMs)));
  }
  await Promise.all(sent);
  agent.destroy();
  return latencies;
}

function post(url: string, body: Buffer, agent?: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const call = request(url, { method: 'POST', agent, headers }, response => {
      response.on('error', reject).on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${url}: ${response.statusCode}`));
      });
      response.resume();
    });
    call.on('error', reject).end(body);
  });
}

const v2 = (rows: readonly unknown[], name: string) => ({
  inputs: [{ name, shape: [rows.length, 10], datatype: 'FP64', data: rows.flat() }],
});

async function startOwn(what: 'api' | 'bare'): Promise<Server> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../http-server.ts'), what], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(child.stdout, 'data');
  const url = `http://127.0.0.1:${Number(String(port))}/v2/models/diabetes/infer`;
  const stop = async () => child.kill('SIGTERM');
  return ready({ url, body: rows => v2(rows, 'features'), stop });
}

async function startHubscore(): Promise<Server> {
  const stream = await openStream('diabetes', '1.0.0');
  const { url } = await stream.host();
  const server: Server = {
    url: `${url}/v2/models/diabetes/infer`,
    body: rows => v2(rows, 'features'),
    stop: () => stream.close(),
  };
  return ready(server);
}

async function startMlserver(folder: string): Promise<Server> {
  const bin = virtualEnvironment('mlserver');
  saveModel(bin, join(folder, 'diabetes'));
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const settings = { host: '127.0.0.1', http_port: http, grpc_port: grpc, metrics_port: metrics, parallel_workers: 1 };
  const model = {
    name: 'diabetes',
    implementation: 'mlserver_sklearn.SKLearnModel',
    parameters: { uri: './model.joblib' },
  };
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  writeFileSync(join(folder, 'diabetes/model-settings.json'), JSON.stringify(model));
  const stop = start(bin, ['mlserver', 'start', '.'], folder);
  return ready({ url: `http://127.0.0.1:${http}/v2/models/diabetes/infer`, body: rows => v2(rows, 'predict'), stop });
}

async function startBentoml(folder: string): Promise<Server> {
  const bin = virtualEnvironment('bentoml');
  saveModel(bin, folder);
  cpSync(join(import.meta.dirname, 'bento_service.py'), join(folder, 'service.py'));
  const port = await freePort();
  const stop = start(bin, ['bentoml', 'serve', 'service:Diabetes', '--port', String(port)], folder);
  return ready({ url: `http://127.0.0.1:${port}/predict`, body: rows => ({ features: rows }), stop });
}

function saveModel(bin: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const script = join(import.meta.dirname, 'save_model.py');
  execFileSync(join(bin, 'python'), [script, TRAIN, join(folder, 'model.joblib')], { stdio: 'inherit' });
}

/** In a process group of its own, since these servers start others. */
function start(bin: string, [command, ...args]: string[], cwd: string): () => Promise<void> {
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, BENTOML_DO_NOT_TRACK: 'True' };
  const child = spawn(join(bin, command as string), args, { cwd, env, stdio: 'ignore', detached: true });
  const exited = once(child, 'exit');
  return async () => {
    // BentoML's workers are in groups of their own: only it can end them.
    child.kill('SIGTERM');
    const inTime = await Promise.race([exited.then(() => true), sleep(10_000, false, { ref: false })]);
    if (!inTime && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
}

/** Answers a prediction. */
async function ready(server: Server): Promise<Server> {
  const body = Buffer.from(JSON.stringify(server.body(sampleFeatures('diabetes', '1.0.0').slice(0, 1))));
  for (let tried = 0; ; tried++) {
    try {
      await post(server.url, body);
      return server;
    } catch (thrown) {
      if (tried === 120) throw thrown;
      await sleep(500);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}
