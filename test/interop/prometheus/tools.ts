import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = resolve(import.meta.dirname, '../../..');
const FOLDER = join(ROOT, '.local/interop-prometheus');

/** Builds one of Prometheus' own programs, without its service discoveries, and says where it lies. The first build takes minutes. */
export function build(name: 'prometheus' | 'promtool'): string {
  mkdirSync(FOLDER, { recursive: true });
  const program = join(FOLDER, name);
  const source = `github.com/prometheus/prometheus/cmd/${name}`;
  execFileSync('go', ['build', '-tags', 'remove_all_sd', '-o', program, source], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
  });
  return program;
}

export interface Prometheus {
  /** Values of each series over a span, a value a second, by the label. */
  range(promql: string, label: string, fromMs: number, toMs: number): Promise<ReadonlyMap<string, readonly Point[]>>;
  stop(): Promise<void>;
}

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

/** A real Prometheus that scrapes these ports of this machine every second, as pods of one installation. */
export async function startPrometheus(program: string, ports: readonly number[]): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-prometheus-'));
  const targets = ports.map(port => `'127.0.0.1:${port}'`).join(', ');
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: hubscore
    static_configs: [{ targets: [${targets}], labels: { namespace: hubscore } }]
`,
  );
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    program,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--log.level=error',
    ],
    { stdio: 'inherit' },
  );
  process.once('exit', () => child.kill('SIGKILL'));
  while (!(await fetch(`http://${address}/-/ready`).catch(() => undefined))?.ok) await delay(200);
  return {
    async range(promql, label, fromMs, toMs) {
      const query = new URLSearchParams({
        query: promql,
        start: String(fromMs / 1000),
        end: String(toMs / 1000),
        step: '1',
      });
      const response = await fetch(`http://${address}/api/v1/query_range?${query}`);
      const { data } = (await response.json()) as {
        data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
      };
      return new Map(
        data.result.map(({ metric, values }) => [
          metric[label] ?? '',
          values.map(([seconds, value]) => ({ atMs: seconds * 1000, value: Number(value) })),
        ]),
      );
    },
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
