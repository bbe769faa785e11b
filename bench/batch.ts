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

/** Columns of numbers or of texts; a file of text or of columns; whether the output has them again. */
export interface Compared {
  readonly model: 'diabetes' | 'churn';
  readonly format: 'csv' | 'parquet';
  readonly rows: number;
  readonly kept?: boolean;
  readonly rounds?: number;
}

const PEERS = ['pandas', 'polars', 'Spark'] as const;
type Peer = (typeof PEERS)[number];
const eachPeer = <T>(of: (peer: Peer) => T) =>
  Object.fromEntries(PEERS.map(peer => [peer, of(peer)])) as Record<Peer, T>;

/** The same beside Python: scripts from their start and behind their imports; Spark's session is open, and warm, in both. In turns, and compared turn by turn; outputs are written anew. */
export async function compareBatchPeers({ model, format, rows, kept = false, rounds = ROUNDS }: Compared) {
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
  const output = join(folder, 'peer');
  const wordsFor = (way: Peer) => {
    const file = join(modelOf(model), 'model.onnx');
    return [script, way, kept ? 'kept' : 'alone', file, input, output, names];
  };
  const spark = spawn(python, wordsFor('Spark'), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: spark.stdout });
  await once(lines, 'line'); // ready
  const ask = async (way: Peer): Promise<Omit<Run, 'cpu'>> => {
    rmSync(output, { recursive: true, force: true });
    if (way !== 'Spark') {
      const { wall, said, peakBytes } = measure(folder, [python, ...wordsFor(way)]);
      return { wall, scoring: Number(said), peakBytes };
    }
    const answer = Promise.race([once(lines, 'line'), once(spark, 'exit')]);
    spark.stdin.write('again\n');
    const seconds = Number((await answer)[0]);
    if (!(seconds > 0)) throw new Error('Spark ended');
    return { wall: seconds, scoring: seconds, peakBytes: Number.NaN };
  };
  const more = kept ? ['--include-features'] : [];
  const score = () => scoreOnce(folder, input, model, more);
  try {
    for (const way of PEERS) await ask(way);
    score();
    type Turn = { readonly ours: Run; readonly peers: Readonly<Record<Peer, Omit<Run, 'cpu'>>> };
    const turns: Turn[] = [];
    for (let round = 0; round < rounds; round++) {
      const first = round % 2 === 0 ? score() : undefined;
      const peers: Partial<Record<Peer, Omit<Run, 'cpu'>>> = {};
      for (const way of PEERS) peers[way] = await ask(way);
      turns.push({ ours: first ?? score(), peers: peers as Turn['peers'] });
    }
    const ratio = (of: (turn: Turn) => number) => round3(median(turns.map(of)));
    return {
      rows,
      'load of the machine, 5 minutes': round3(loadavg()[1] as number),
      hubscore: figures(
        turns.map(({ ours }) => ours),
        rows,
      ),
      'rows/s': eachPeer(peer => Math.round(rows / median(turns.map(({ peers }) => peers[peer].scoring)))),
      'peak memory, MB': Object.fromEntries(
        (['pandas', 'polars'] as const).map(peer => [
          peer,
          Math.round(median(turns.map(({ peers }) => peers[peer].peakBytes)) / 1e6),
        ]),
      ),
      'from the start, times as fast': eachPeer(peer => ratio(({ ours, peers }) => peers[peer].wall / ours.wall)),
      'our start alone, times as fast': eachPeer(peer => ratio(({ ours, peers }) => peers[peer].scoring / ours.wall)),
      'without a start, times as fast': eachPeer(peer =>
        ratio(({ ours, peers }) => peers[peer].scoring / ours.scoring),
      ),
    };
  } finally {
    spark.kill();
    rmSync(folder, { recursive: true });
  }
}

/** Seconds, but for the memory. */
interface Run {
  readonly wall: number;
  /** Of all processors and processes; says more than the wall on a machine that does other things. */
  readonly cpu: number;
  /** As the command itself says: from the opening of the model on. */
  readonly scoring: number;
  readonly peakBytes: number;
}

function figures(runs: readonly Run[], rows: number) {
  return {
    'from its start, rows/s': Math.round(rows / median(runs.map(({ wall }) => wall))),
    'without its start, rows/s': Math.round(rows / median(runs.map(({ scoring }) => scoring))),
    'CPU a row, µs, start included': round3((median(runs.map(({ cpu }) => cpu)) / rows) * 1e6),
    'peak memory of the largest process, MB': Math.round(median(runs.map(({ peakBytes }) => peakBytes)) / 1e6),
  };
}

function scoreOnce(folder: string, input: string, model: Compared['model'], more: readonly string[]): Run {
  const output = join(folder, `out${extname(input)}`);
  rmSync(output, { recursive: true, force: true });
  const words = ['batch', 'score', input, output, '--model', modelOf(model), '--id-column', 'user_id', '--json'];
  const { said, ...run } = measure(folder, [process.execPath, join(ROOT, 'bin/hubscore.js'), ...words, ...more]);
  return { ...run, scoring: (JSON.parse(said) as { readonly seconds: number }).seconds };
}

/** From outside: whatever a command starts is the measurer's child once the command has ended, and counted, too. */
const MEASURER = [
  'import ctypes,json,os,resource,subprocess,sys,time',
  'ctypes.CDLL(None).prctl(36,1,0,0,0)', // PR_SET_CHILD_SUBREAPER
  'b=time.perf_counter();p=subprocess.run(sys.argv[2:],stdout=subprocess.PIPE,check=True);w=time.perf_counter()-b',
  'try:',
  '  while True: os.wait()',
  'except ChildProcessError: pass',
  'r=resource.getrusage(resource.RUSAGE_CHILDREN)',
  'json.dump([w,r.ru_utime+r.ru_stime,r.ru_maxrss*1024,p.stdout.decode()],open(sys.argv[1],"w"))',
].join('\n');

function measure(folder: string, command: readonly string[]): Omit<Run, 'scoring'> & { readonly said: string } {
  const measured = join(folder, 'time');
  const { status, stderr } = spawnSync('python3', ['-c', MEASURER, measured, ...command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const [wall, cpu, peakBytes, said] = JSON.parse(readFileSync(measured, 'utf8')) as [number, number, number, string];
  return { wall, cpu, peakBytes, said };
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
