import { execFileSync } from 'node:child_process';
import { globSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { build, type Plugin } from 'esbuild';

/** Left outside the bundle: native code and its half in JavaScript, and what only the Functions worker provides. */
export const NATIVE_PACKAGES = ['onnxruntime-node', 'onnxruntime-common'] as const;
const WORKER_MODULES = ['@azure/functions-core'];

/** CommonJS packages inside the bundle call `require`, which an ES module lacks. */
const REQUIRE =
  "import { createRequire as hubscoreRequire } from 'node:module';\nconst require = hubscoreRequire(import.meta.url);";

/**
 * Bundles the functions, and the files that they start as processes and threads, into `<folder>/dist`. One file a function and shared chunks, since
 * reading some 50,000 files of node_modules takes a cold start longer than running them (figures: docs/operate.md).
 * @returns folders of the packages whose code is in it, below `root`
 */
export async function bundle(root: string, folder: string): Promise<readonly string[]> {
  const functions = globSync('functions/*.ts', { cwd: join(root, 'src') });
  if (functions.length === 0) throw new Error(`no functions in ${join(root, 'src/functions')}`);
  return bundleFiles(root, folder, functions, { HUBSCORE_COMMIT: JSON.stringify(commitOf(root)) });
}

/** Bundles the commands, and what they start, over what the compiler has put into `dist`: of a short command loading a thousand files is most of its time. */
export async function bundleCommands(root: string): Promise<void> {
  await bundleFiles(root, root, ['cli/hubscore.ts'], {});
  utimesSync(join(root, 'dist/chunks'), new Date(), new Date()); // by which `scripts/build.cjs` knows that it is done
}

async function bundleFiles(
  root: string,
  folder: string,
  files: readonly string[],
  define: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const source = join(root, 'src');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...files, ...workerFiles(source)].map(file => join(source, file)),
    outdir: join(folder, 'dist'),
    outbase: source,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    keepNames: true, // error classes are told apart by name in logs
    define: { ...define },
    banner: { js: REQUIRE },
    external: [...NATIVE_PACKAGES, ...WORKER_MODULES],
    plugins: [keepUrls(source)],
    logLevel: 'error',
    metafile: true,
  });
  removeOthers(join(folder, 'dist/chunks'), Object.keys(metafile.outputs));
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  return packageFolders(used);
}

/** Chunks of bundles before. Those that are there again stay throughout: another bundle may be in the making, or in use. */
function removeOthers(chunks: string, outputs: readonly string[]): void {
  const names = new Set(outputs.map(output => basename(output)));
  for (const name of readdirSync(chunks)) if (!names.has(name)) rmSync(join(chunks, name));
}

/** What `lineage` names; a folder without history has none. */
function commitOf(root: string): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return 'unknown';
  }
}

/** `node_modules/a/node_modules/@b/c` of `node_modules/a/node_modules/@b/c/dist/index.js`; our own files belong to none. */
function packageFolders(files: readonly string[]): string[] {
  const folders = files.flatMap(file => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []);
  return [...new Set(folders)].sort();
}

/** Files started by `new URL(… './x.js', import.meta.url)`, relative to the source folder. */
function workerFiles(source: string): string[] {
  const files = globSync('**/*.ts', { cwd: source }).filter(file => !/^(local|cli)[\\/]/.test(file));
  return files.flatMap(file => {
    const text = readFileSync(join(source, file), 'utf8');
    const started = [...text.matchAll(/'(\.\.?\/[\w./-]+)\.js'[^;]{0,80}import\.meta\.url/g)];
    return started.map(match => relative(source, join(source, dirname(file), `${match[1]}.ts`)));
  });
}

/** Code moves into chunks, so `import.meta.url` would name the chunk: here it goes on naming the module's own place under dist. */
function keepUrls(source: string): Plugin {
  return {
    name: 'keep-urls',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(source, path).split(sep).join('/').replace(/\.ts$/, '.js');
        const contents = readFileSync(path, 'utf8');
        if (file.startsWith('..') || !contents.includes('import.meta.url')) return undefined;
        return {
          contents: contents.replaceAll(
            'import.meta.url',
            `(import.meta.url.slice(0, import.meta.url.lastIndexOf('/dist/')) + '/dist/${file}')`,
          ),
          loader: 'ts',
        };
      });
    },
  };
}
