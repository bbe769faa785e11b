import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { installCoreApi } from '../../src/local/functions-host/core-api.ts';
import type { FunctionMetadata } from '../../src/local/functions-host/rpc.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** What one instance is asked, after its functions are registered and its start-up hooks have run. */
export interface Asked {
  readonly infer?: { readonly model: string; readonly body: unknown };
  readonly batch?: { readonly bodies: readonly string[]; readonly metadata: unknown };
}

export interface Told {
  readonly functions: Readonly<Record<string, FunctionMetadata>>;
  /** Files of ours (`src/…`) and packages that were loaded until the functions were registered, and in all. */
  readonly registeredWith: readonly string[];
  readonly loaded: readonly string[];
  readonly status?: number;
}

/** The functions in a process of their own, as on an instance that does one thing. @throws Error with what it wrote, where it fails. */
export async function runInstance(environment: Readonly<Record<string, string>>, asked: Asked = {}): Promise<Told> {
  const child = spawn(process.execPath, [import.meta.filename], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(JSON.stringify(asked));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const line = /^TOLD (.*)$/m.exec(out)?.[1];
  if (line === undefined) throw new Error(`the instance told nothing:\n${out}${err}`);
  return JSON.parse(line) as Told;
}

async function main(asked: Asked): Promise<Told> {
  const loaded = new Set<string>();
  registerHooks({
    load(url, context, next) {
      if (url.startsWith('file:')) loaded.add(nameOf(fileURLToPath(url)));
      return next(url, context);
    },
  });
  const registry = installCoreApi('4.0.0', () => {});
  for (const file of globSync('src/functions/*.ts', { cwd: ROOT })) await import(pathToFileURL(join(ROOT, file)).href);
  const registeredWith = [...loaded].sort();
  for (const hook of registry.hooks.appStart) await hook({});
  const app = await import('../../src/app/app.ts');
  let status: number | undefined;
  if (asked.infer) {
    const { model, body } = asked.infer;
    const request = new Request('http://localhost', { method: 'POST', body: JSON.stringify(body) });
    const path = app.PATHS.find(({ name }) => name === 'v2-infer') as (typeof app.PATHS)[number];
    ({ status } = await app.answerHttp(path, {
      method: 'POST',
      params: { name: model },
      headers: request.headers,
      arrayBuffer: () => request.arrayBuffer(),
    }));
  }
  if (asked.batch) {
    const { bodies, metadata } = asked.batch;
    await app.scoreRequests(
      bodies.map(body => Buffer.from(body)),
      metadata,
    );
  }
  await app.closeApp();
  const functions = [...registry.functions].map(([name, { metadata }]) => [name, metadata]);
  return {
    functions: Object.fromEntries(functions),
    registeredWith,
    loaded: [...loaded].sort(),
    ...(status !== undefined && { status }),
  };
}

/** A file of ours, or the package that another one is of. */
function nameOf(path: string): string {
  const [, inPackages] = path.split(/.*\/node_modules\//);
  if (inPackages === undefined) return relative(ROOT, path);
  return inPackages.split('/', inPackages.startsWith('@') ? 2 : 1).join('/');
}

if (import.meta.main) {
  const told = await main((await json(process.stdin)) as Asked);
  process.stdout.write(`TOLD ${JSON.stringify(told)}\n`, () => process.exit());
}
