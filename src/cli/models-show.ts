import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { inspectModel } from '../models/publish.ts';
import { resolveVersion } from '../models/resolve-version.ts';
import { BlobGone, cardPath, type ModelStore, modelPath, type StoredVersion } from '../models/store.ts';
import { commandSettings } from './environment.ts';
import { openStore, readDeployed, withBackends } from './model-room.ts';
import { showInspection } from './show-inspection.ts';
import { CommandError, paintFor, type Terminal } from './terminal.ts';

/** `hubscore models show NAME [VERSION]`: downloads one version and says what it is, as it will be served. */
export async function showModel(
  terminal: Terminal,
  name: string,
  asked: string | undefined,
  options: { readonly json?: boolean },
): Promise<void> {
  const { signal, stdout } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const store = await openStore(settings);
  const { models } = await store.list(signal);
  const model = models.get(name);
  if (!model) {
    const known = [...models.keys()].sort().join(', ');
    throw new CommandError(`there is no model ${name}`, known ? `There are ${known}.` : 'There is none yet.');
  }
  const { aliases, production } = await readDeployed(store, model, signal);
  const versions = [...model.versions.keys()];
  const { candidates, fallback } = resolveVersion({ versions, aliases }, asked);
  const stored = model.versions.get(candidates[0] ?? '');
  if (!stored || fallback) {
    throw new CommandError(`${name} has no version ${asked}`, `It has ${versions.join(', ')}.`);
  }
  const card = await textOf(store, cardPath(stored), signal);
  if (options.json) {
    stdout.write(card ? `${card.trimEnd()}\n` : '{}\n');
    return;
  }
  const names = [...aliases].filter(([, version]) => version === stored.version).map(([alias]) => alias);
  if (stored.version === production && !names.includes('production')) names.unshift('production');
  await download(store, stored, card, signal, async files => {
    const inspection = await withBackends(settings, open => inspectModel({ ...stored, ...files }, open));
    const paint = paintFor(stdout);
    const aka = names.length > 0 ? `  ${paint('green', names.join(', '))}` : '';
    stdout.write(`${paint('bold', `${name} ${inspection.label}`)}${aka}\n`);
    const description = inspection.card.raw.description;
    if (typeof description === 'string') stdout.write(`  ${description}\n`);
    for (const line of showInspection(inspection, paint)) stdout.write(`${line}\n`);
    const { metrics } = inspection.card.raw;
    if (metrics) stdout.write(`  ${paint('dim', 'metrics'.padEnd(9))} ${JSON.stringify(metrics)}\n`);
    if (!card) stdout.write('  no model.json: all this was read from the ONNX file\n');
  });
}

async function textOf(store: ModelStore, path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await store.readText(path, signal)).text;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}

async function download(
  store: ModelStore,
  stored: StoredVersion,
  cardText: string | undefined,
  signal: AbortSignal,
  work: (files: { file: string; card: string | undefined }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'hubscore-show-'));
  try {
    const file = join(folder, 'model.onnx');
    const card = cardText === undefined ? undefined : join(folder, 'model.json');
    await pipeline(await store.read(modelPath(stored), 0, stored.modelEtag, signal), createWriteStream(file));
    if (card && cardText !== undefined) await writeFile(card, cardText);
    await work({ file, card });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
