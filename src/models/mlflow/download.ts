import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { MlflowError } from './ask.ts';
import type { MlflowReference } from './reference.ts';
import type { RegisteredVersion, Registry } from './registry.ts';

/** A model of a registry on this machine's disk, as it can be pushed. */
export interface Downloaded {
  readonly registered: RegisteredVersion;
  /** Its ONNX file, with what that refers to beside it, and a card. */
  readonly file: string;
  readonly card: string;
}

/**
 * Downloads a version's `onnx` flavour into a folder: the file, its external data, and a card with what the registry knows of it.
 * @throws MlflowError where there is no such version, or it has no such flavour
 */
export async function downloadVersion(
  registry: Registry,
  reference: MlflowReference,
  folder: string,
  signal: AbortSignal,
): Promise<Downloaded> {
  const registered = await registry.find(reference, signal);
  const root = await registry.artifactsOf(registered, signal);
  const mlmodel = await text((await registry.download(`${root}/MLmodel`, signal)) as NodeStream);
  const data = onnxFileIn(mlmodel);
  if (data === undefined) {
    const flavours = flavoursIn(mlmodel).join(', ');
    throw new MlflowError(
      `${registered.name} ${registered.version} has no flavour onnx (it has ${flavours}): log it by mlflow.onnx.log_model`,
    );
  }
  // Some versions name the file, some the folder that it is in.
  const named = `${root}/${data}`;
  const beside = await registry.list(data.endsWith('.onnx') ? dirname(named) : named, signal);
  const onnx = data.endsWith('.onnx') ? named : beside.find(({ path }) => path.endsWith('.onnx'))?.path;
  if (onnx === undefined) throw new MlflowError(`${named}: there is no .onnx file in it`);
  await mkdir(folder, { recursive: true });
  for (const { path, isFolder } of beside) {
    const name = path.slice(dirname(onnx).length + 1);
    if (isFolder || (path !== onnx && NOT_OF_ONNX.has(name))) continue;
    const body = Readable.fromWeb((await registry.download(path, signal)) as NodeStream);
    await pipeline(body, createWriteStream(join(folder, path === onnx ? 'model.onnx' : name)), { signal });
  }
  const facts = registered.runId === undefined ? undefined : await registry.run(registered.runId, signal);
  const signature = signatureIn(mlmodel);
  const card = {
    ...(facts?.experimentId !== undefined && { experiment_id: facts.experimentId }),
    ...(facts && { metrics: facts.metrics, hyperparameters: facts.parameters }),
    mlflow: { name: registered.name, version: registered.version, run_id: registered.runId, signature },
  };
  const cardFile = join(folder, 'model.json');
  await writeFile(cardFile, `${JSON.stringify(card, null, 2)}\n`);
  return { registered, file: join(folder, 'model.onnx'), card: cardFile };
}

/** What MLflow writes beside a model. */
const NOT_OF_ONNX = new Set([
  ...[
    'MLmodel',
    'conda.yaml',
    'python_env.yaml',
    'requirements.txt',
    'input_example.json',
    'serving_input_example.json',
  ],
  ...['registered_model_meta', 'model.json', 'golden.ndjson'],
]);

/** `data` of the onnx flavour, of an MLmodel file, which MLflow writes by a fixed layout of YAML: two spaces a level. */
export function onnxFileIn(mlmodel: string): string | undefined {
  const section = /^ {2}onnx:\s*\n((?: {4}.*\n?)+)/m.exec(mlmodel)?.[1] ?? '';
  return /^ {4}data:\s*['"]?([^'"\n]+?)['"]?\s*$/m.exec(section)?.[1];
}

function flavoursIn(mlmodel: string): string[] {
  const section = /^flavors:\s*\n((?: {2}.*\n?)+)/m.exec(mlmodel)?.[1] ?? '';
  return [...section.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name as string);
}

/** Names and types of what it takes, as MLflow knows them; undefined where nobody gave a signature. */
function signatureIn(mlmodel: string): string | undefined {
  return /^ {2}inputs:\s*'(.*)'\s*$/m.exec(mlmodel)?.[1];
}
