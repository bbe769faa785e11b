import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createRandom } from '../test/support/seeded-random.ts';
import { median, round3 } from './harness.ts';
import { virtualEnvironment } from './peers/venv.ts';

const ROOT = resolve(import.meta.dirname, '..');
const modelOf = (name: string) => join(ROOT, 'samples/models', name, '1.0.0');
const ROUNDS = 5;

/** `batch score` of a CSV of so many rows and ten features: wall time, CPU a row, peak memory; the whole command, from its start to its end. */
export async function measureBatch(rows: number, more: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  try {
    const input = join(folder, 'in.csv');
    await writeRows(input, rows);
    const runs = Array.from({ length: ROUNDS }, () => scoreOnce(folder, input, 'diabetes', more));
    return { rows, ...figures(runs, rows) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Columns of numbers or of texts; a file of text or of columns. */
export interface Compared {
  readonly model: 'diabetes' | 'churn';
  readonly format: 'csv' | 'parquet';
  readonly rows: number;
}

const PEERS = ['pandas', 'polars', 'Spark'] as const;
type Peer = (typeof PEERS)[number];
const eachPeer = <T>(of: (peer: Peer) => T) =>
  Object.fromEntries(PEERS.map(peer => [peer, of(peer)])) as Record<Peer, T>;

/** The same beside Python that is warm: its imports are not counted, nor Spark's session; our start is. In turns, and compared turn by turn. */
export async function compareBatchPeers({ model, format, rows }: Compared) {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  const python = join(virtualEnvironment('batch'), 'python');
  const csv = join(folder, 'in.csv');
  await writeRows(csv, rows, model);
  const input = join(folder, `in.${format}`);
  if (format === 'parquet')
    execFileSync(python, [
      '-c',
      'import polars,sys;polars.read_csv(sys.argv[1]).write_parquet(sys.argv[2])',
      csv,
      input,
    ]);
  const names = headerOf(model).slice(1).join(',');
  const script = join(import.meta.dirname, 'peers/batch_files.py');
  const child = spawn(python, [script, join(modelOf(model), 'model.onnx'), input, join(folder, 'peer'), names], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line'); // ready
  const ask = async (way: Peer): Promise<Taken> => {
    const answer = Promise.race([once(lines, 'line'), once(child, 'exit')]);
    child.stdin.write(`${way}\n`);
    const [wall = Number.NaN, cpu = 0] = String((await answer)[0])
      .split(' ')
      .map(Number);
    if (!(wall > 0)) throw new Error(`${way} ended`);
    return { wall, cpu };
  };
  const score = () => scoreOnce(folder, input, model, []);
  try {
    for (const way of PEERS) await ask(way);
    score();
    const turns: { readonly ours: Run; readonly peers: Readonly<Record<Peer, Taken>> }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const first = round % 2 === 0 ? score() : undefined;
      const peers: Partial<Record<Peer, Taken>> = {};
      for (const way of PEERS) peers[way] = await ask(way);
      turns.push({ ours: first ?? score(), peers: peers as Record<Peer, Taken> });
    }
    const ratio = (of: (turn: (typeof turns)[number]) => number) => round3(median(turns.map(of)));
    const wallOf = (peer: Peer) => median(turns.map(({ peers }) => peers[peer].wall));
    return {
      rows,
      'load of the machine, 5 minutes': round3(loadavg()[1] as number),
      hubscore: figures(
        turns.map(({ ours }) => ours),
        rows,
      ),
      'rows/s': eachPeer(peer => Math.round(rows / wallOf(peer))),
      'whole command, times as fast': eachPeer(peer => ratio(({ ours, peers }) => peers[peer].wall / ours.wall)),
      'without its start, times as fast': eachPeer(peer => ratio(({ ours, peers }) => peers[peer].wall / ours.scoring)),
    };
  } finally {
    child.kill();
    rmSync(folder, { recursive: true });
  }
}

/** Seconds. */
interface Taken {
  readonly wall: number;
  /** Of all processors; says more than the wall on a machine that does other things. */
  readonly cpu: number;
}

/** Seconds, but for the memory. */
interface Run extends Taken {
  /** As the command itself says: from the opening of the model on. */
  readonly scoring: number;
  readonly peakBytes: number;
}

function figures(runs: readonly Run[], rows: number) {
  return {
    'whole command, rows/s': Math.round(rows / median(runs.map(({ wall }) => wall))),
    'without its start, rows/s': Math.round(rows / median(runs.map(({ scoring }) => scoring))),
    'CPU a row, µs, start included': round3((median(runs.map(({ cpu }) => cpu)) / rows) * 1e6),
    'peak memory of the largest process, MB': Math.round(median(runs.map(({ peakBytes }) => peakBytes)) / 1e6),
  };
}

/** Measured from outside, with what the processes took that it started. */
function scoreOnce(folder: string, input: string, model: Compared['model'], more: readonly string[]): Run {
  const output = join(folder, `out${extname(input)}`);
  const measured = join(folder, 'time');
  const words = [
    'batch',
    'score',
    input,
    output,
    '--model',
    modelOf(model),
    '--id-column',
    'user_id',
    '--overwrite',
    '--json',
  ];
  const command = [process.execPath, join(ROOT, 'bin/hubscore.js'), ...words, ...more];
  const script = [
    'import json,resource,subprocess,sys,time',
    'b=time.perf_counter();p=subprocess.run(sys.argv[2:],stdout=subprocess.PIPE,check=True);w=time.perf_counter()-b',
    'r=resource.getrusage(resource.RUSAGE_CHILDREN)',
    'json.dump([w,json.loads(p.stdout)["seconds"],r.ru_utime+r.ru_stime,r.ru_maxrss*1024],open(sys.argv[1],"w"))',
  ].join('\n');
  const { status, stderr } = spawnSync('python3', ['-c', script, measured, ...command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const [wall, scoring, cpu, peakBytes] = JSON.parse(readFileSync(measured, 'utf8')) as [
    number,
    number,
    number,
    number,
  ];
  return { wall, scoring, cpu, peakBytes };
}

function headerOf(model: Compared['model']): string[] {
  const [header = ''] = trained(model);
  return ['user_id', ...header.split(',').slice(0, -1)]; // the last one is what is predicted
}

const trained = (model: Compared['model']) =>
  readFileSync(join(modelOf(model), '../train.csv'), 'utf8')
    .trim()
    .split('\n');

/** Rows like those that the model was trained with, each number a little off. */
export async function writeRows(path: string, rows: number, model: Compared['model'] = 'diabetes'): Promise<void> {
  const known = trained(model)
    .slice(1)
    .map(line => line.split(',').slice(0, -1));
  const random = createRandom(26);
  const file = createWriteStream(path);
  file.write(`${headerOf(model).join(',')}\n`);
  const alike = (cell: string) => (cell.includes('.') ? (Number(cell) * random.between(0.9, 1.1)).toFixed(2) : cell);
  for (let row = 0; row < rows; row++) {
    const cells = random.pick(known).map(alike);
    if (!file.write(`u${String(row).padStart(8, '0')},${cells.join(',')}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}
