import { type Service, startService } from './service.ts';

export interface FunctionsHost {
  readonly port: number;
  readonly url: string;
  /** Of the supervisor. */
  readonly pid: number;
  log(): string;
  /** SIGTERM: drains; the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL to supervisor and worker. */
  kill(): Promise<void>;
}

export interface FunctionsHostOptions {
  /** The function app: its host.json and package.json. */
  readonly appDir: string;
  /** Settings, over the environment; FUNCTIONS_PORT is a free one unless given. */
  readonly env: Readonly<Record<string, string>>;
  /** Absent: the Node that this runs on. */
  readonly node?: string;
  readonly args?: readonly string[];
}

/** The local functions host in its own process, from source, ready. @throws Error with what it wrote, where it does not become ready. */
export async function startHost({ appDir, env, node, args = [] }: FunctionsHostOptions): Promise<FunctionsHost> {
  const service: Service = await startService(
    'src/local/functions-host/main.ts',
    { FUNCTIONS_PORT: '0', ...env },
    appDir,
    [...args],
    node,
  );
  const port = Number(/http:\/\/localhost:(\d+)/.exec(service.readyLine)?.[1]);
  return {
    port,
    url: `http://localhost:${port}`,
    pid: service.pid,
    // What a function writes by the console, without what the host puts before it.
    log: () => service.log().replace(/^\S+ [a-z]+ Host\.Function\.Console: /gm, ''),
    stop: service.stop,
    kill: service.kill,
  };
}
