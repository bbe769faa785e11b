import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createRandom } from '../test/support/seeded-random.ts';
import { median, round3 } from './harness.ts';
import { virtualEnvironment } from './peers/venv.ts';

const ROOT = resolve(import.meta.dirname, '..');
const MODEL = join(ROOT, 'samples/models/diabetes/1.0.0');
const ROUNDS = 5;

/** `batch score` of a CSV of so many rows and ten features: wall time, CPU a row, peak memory; the whole command, from its start to its end. */
export async function measureBatch(rows: number, more: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  try {
    const input = join(folder, 'in.csv');
    await writeRows(input, rows);
    const runs = Array.from({ length: ROUNDS }, () => scoreOnce(folder, input, more));
    return { rows, ...figures(runs, rows) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same beside Python that is warm: its imports are not counted, our start is. In turns, and compared turn by turn. */
export async function compareBatchPeers(rows: number) {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  const input = join(folder, 'in.csv');
  await writeRows(input, rows);
  const names = headerOf().slice(1).join(',');
  const script = join(import.meta.dirname, 'peers/batch_files.py');
  const child = spawn(
    join(virtualEnvironment('batch'), 'python'),
    [script, join(MODEL, 'model.onnx'), input, join(folder, 'peer.csv'), names],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line'); // ready
  const peer = async (way: string) => {
    const answer = once(lines, 'line');
    child.stdin.write(`${way}\n`);
    const [wall = 0, cpu = 0] = ((await answer) as [string])[0].split(' ').map(Number);
    return { wall, cpu };
  };
  try {
    for (const way of ['pandas', 'polars']) await peer(way);
    scoreOnce(folder, input, []);
    const turns: { readonly ours: Run; readonly pandas: Taken; readonly polars: Taken }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const first = round % 2 === 0 ? scoreOnce(folder, input, []) : undefined;
      const [pandas, polars] = [await peer('pandas'), await peer('polars')];
      turns.push({ ours: first ?? scoreOnce(folder, input, []), pandas, polars });
    }
    const cpuOf = (taken: readonly Taken[]) => round3((median(taken.map(({ cpu }) => cpu)) / rows) * 1e6);
    const ratio = (of: (turn: (typeof turns)[number]) => number) => round3(median(turns.map(of)));
    return {
      rows,
      'load of the machine, 5 minutes': round3(loadavg()[1] as number),
      hubscore: figures(
        turns.map(({ ours }) => ours),
        rows,
      ),
      'pandas + onnxruntime, rows/s': Math.round(rows / median(turns.map(({ pandas }) => pandas.wall))),
      'polars + onnxruntime, rows/s': Math.round(rows / median(turns.map(({ polars }) => polars.wall))),
      'pandas, CPU a row, µs': cpuOf(turns.map(({ pandas }) => pandas)),
      'polars, CPU a row, µs': cpuOf(turns.map(({ polars }) => polars)),
      'whole command, times as fast as pandas': ratio(({ ours, pandas }) => pandas.wall / ours.wall),
      'whole command, times as fast as polars': ratio(({ ours, polars }) => polars.wall / ours.wall),
      'without its start, times as fast as pandas': ratio(({ ours, pandas }) => pandas.wall / ours.scoring),
      'without its start, times as fast as polars': ratio(({ ours, polars }) => polars.wall / ours.scoring),
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
function scoreOnce(folder: string, input: string, more: readonly string[]): Run {
  const output = join(folder, 'out.csv');
  const measured = join(folder, 'time');
  const words = ['batch', 'score', input, output, '--model', MODEL, '--id-column', 'user_id', '--overwrite', '--json'];
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

function headerOf(): string[] {
  const [header = ''] = readFileSync(join(MODEL, '../train.csv'), 'utf8').split('\n', 1);
  return ['user_id', ...header.split(',').slice(0, 10)];
}

/** Rows like those that the model was trained with, each value a little off. */
export async function writeRows(path: string, rows: number): Promise<void> {
  const known = readFileSync(join(MODEL, '../train.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split(',').slice(0, 10).map(Number));
  const random = createRandom(26);
  const file = createWriteStream(path);
  file.write(`${headerOf().join(',')}\n`);
  for (let row = 0; row < rows; row++) {
    const values = random.pick(known).map(value => Number((value * random.between(0.9, 1.1)).toFixed(2)));
    if (!file.write(`u${String(row).padStart(8, '0')},${values.join(',')}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}
