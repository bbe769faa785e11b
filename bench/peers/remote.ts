import { spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import {
  clear,
  FEATURES,
  kill,
  makeModels,
  mlflow,
  mlserver,
  openRemote,
  type Program,
  pythonOfServers,
  started,
} from '../../test/interop/servers/programs.ts';
import { createFunctionPath, metadataOf } from '../function-path.ts';
import { type Comparison, compare, processorTime, round3 } from '../harness.ts';

const ROWS = 64;
const TURNS = 200;
/** Batches that the server's own client sends before it is asked again. */
const BATCHES = 20;

type Compared = Comparison & { readonly 'processor time of a batch, ms': Readonly<Record<string, number>> };

/** Partitions that have a batch under way; a model at a server is called by as many at once unless its card says otherwise. */
const AT_ONCE = 4;

/**
 * Batches of 64 through hubscore to a model at a real server, from the host's buffers to bytes for the wire, beside the same rows sent to that server by its own client in Python, and by a bare HTTP client on
 * kept connections, which is the least that anything could take: what the road through us adds. One batch after the other, where all that we do waits for the server and it for us; and four under way at once, as partitions bring them. By the
 * clock on the wall, since most of it is the server's time.
 */
export async function compareRemote(rounds = 15): Promise<Readonly<Record<string, Compared>>> {
  try {
    const { rows } = makeModels();
    return {
      'MLServer, batch 64': await compareAt('open-inference', await mlserver(), rows, rounds),
      'MLflow, batch 64': await compareAt('mlflow', await mlflow(), rows, rounds),
    };
  } finally {
    clear();
  }
}

async function compareAt(
  kind: string,
  program: Program,
  rows: readonly (readonly number[])[],
  rounds: number,
): Promise<Compared> {
  const server = await started(program);
  const model = await openRemote(kind, program);
  const all = Array.from({ length: ROWS }, (_, i) => rows[i % rows.length] as readonly number[]);
  const bodies = all.map((features, i) => Buffer.from(JSON.stringify({ request_id: i, model: 'iris', features })));
  const paths = Array.from({ length: AT_ONCE }, () => createFunctionPath(model));
  const [ours] = paths as [(typeof paths)[number]];
  const [agent, metadata] = [new Agent({ keepAlive: true, maxSockets: AT_ONCE }), metadataOf(ROWS)];
  const isV2 = kind === 'open-inference';
  const url = `http://127.0.0.1:${program.port}${isV2 ? '/v2/models/iris/infer' : '/invocations'}`;
  const inputs = [{ name: 'x', shape: [ROWS, FEATURES.length], datatype: 'FP64', data: all.flat() }];
  const body = () => JSON.stringify(isV2 ? { inputs } : { dataframe_split: { columns: FEATURES, data: all } });
  const bare = async () => {
    const answer = JSON.parse(await post(url, body(), agent)) as object;
    if (!('outputs' in answer || 'predictions' in answer)) throw new Error(JSON.stringify(answer));
    return ROWS;
  };
  const client = await ownClient(kind, program, all);
  try {
    const candidates = [
      { name: 'its own client', run: client.send },
      { name: 'a bare HTTP client', run: bare },
      { name: 'hubscore', run: () => ours(bodies, metadata).then(() => ROWS) },
      { name: 'a bare HTTP client, four at once', run: () => Promise.all(paths.map(bare)).then(sumOf) },
      {
        name: 'hubscore, four at once',
        run: () => Promise.all(paths.map(path => path(bodies, metadata))).then(() => AT_ONCE * ROWS),
      },
    ];
    const comparison = await compare(candidates, rounds, 400);
    const bareMs = await processorMs(bare);
    const hubscore = await processorMs(() => ours(bodies, metadata));
    return { ...comparison, 'processor time of a batch, ms': { 'a bare HTTP client': bareMs, hubscore } };
  } finally {
    client.end();
    agent.destroy();
    await model.backend.close();
    kill(server);
  }
}

/** A process of Python that sends the rows again and again. */
async function ownClient(kind: string, { port }: Program, rows: readonly (readonly number[])[]) {
  const script = join(import.meta.dirname, 'own_clients.py');
  const child = spawn(pythonOfServers(), [script, kind, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line: string) => {
    child.stdin.write(`${line}\n`);
    if ((await lines.next()).done) throw new Error("the server's own client ended");
  };
  await ask(JSON.stringify(rows));
  return {
    async send() {
      await ask(String(BATCHES));
      return BATCHES * ROWS;
    },
    end: () => void child.kill(),
  };
}

const sumOf = (rows: readonly number[]) => rows.reduce((sum, each) => sum + each, 0);

/** What a busy machine does not change much. */
async function processorMs(run: () => Promise<unknown>): Promise<number> {
  const start = processorTime();
  for (let i = 0; i < TURNS; i++) await run();
  return round3(Number(processorTime() - start) / TURNS / 1e6);
}

function post(url: string, body: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(url, { method: 'POST', agent, headers }, response => {
      buffer(response).then(bytes => resolve(bytes.toString('utf8')), reject);
    });
    call.on('error', reject).end(body);
  });
}
