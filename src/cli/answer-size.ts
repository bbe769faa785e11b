import { readFileSync } from 'node:fs';
import type { Settings } from '../config/settings.ts';
import type { ModelVersion } from '../core/model.ts';
import { abortable, withDeadline } from '../core/waiting.ts';
import { NO_CARD, parseCard } from '../models/card.ts';
import { openModelFiles } from '../models/open-files.ts';
import { openStore, withLoaders } from './model-room.ts';
import { ANSWER_BYTES } from './pack-lines.ts';
import { findStored, withDownloaded } from './stored-model.ts';

/** A number as JSON, with what parts it from the next. */
const NUMBER_BYTES = 26;
const TEXT_BYTES = 64;
/** Names of members, and a row's part in `errors`. */
const AROUND_BYTES = 300;

/** What the answer to a row takes at most, by what the model gives; undefined where the file leaves that open. */
export function answerBytes({ card, signature }: Pick<ModelVersion, 'card' | 'signature'>): number | undefined {
  const { classes = [] } = card.outputs;
  const keys = classes.reduce<number>((sum, label) => sum + Buffer.byteLength(JSON.stringify(String(label))) + 1, 0);
  let bytes = AROUND_BYTES + keys;
  for (const { name, type, dims } of signature.outputs) {
    const values = dims.slice(1).reduce<number | null>((count, size) => count && size && count * size, 1);
    if (values === null) return undefined;
    bytes += name.length + values * (type === 'string' ? TEXT_BYTES : NUMBER_BYTES);
  }
  return Math.max(bytes, ANSWER_BYTES);
}

/** Whoever may send need not be able to read models. */
const PATIENCE_MS = 15_000;

/**
 * Asks storage, once a model, how large the answers of the requests' models are, so that no pack is sent whose result would not fit. Where it does not say, or the file leaves it
 * open: 1,000 bytes, a classifier's of some thirty classes.
 */
export function answerSizes(
  settings: Settings,
  signal: AbortSignal,
): (model: string | undefined, version: string | undefined) => Promise<number> {
  const asked = new Map<string, Promise<number>>();
  return async (named, version) => {
    const model = named ?? settings.DEFAULT_MODEL;
    if (model === undefined) return ANSWER_BYTES;
    const key = JSON.stringify([model, version]);
    let size = asked.get(key);
    if (size === undefined) {
      size = ask(settings, model, version, signal);
      asked.set(key, size);
    }
    return size;
  };
}

async function ask(
  settings: Settings,
  model: string,
  version: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  try {
    const work = (own: AbortSignal) => abortable(look(settings, model, version, own), own);
    return (await withDeadline(PATIENCE_MS, signal, work)) ?? ANSWER_BYTES;
  } catch {
    return ANSWER_BYTES;
  }
}

async function look(settings: Settings, model: string, version: string | undefined, signal: AbortSignal) {
  const store = await openStore(settings);
  const found = await findStored(store, model, version, signal);
  return withDownloaded(settings, store, found, signal, files =>
    withLoaders(settings, async loaders => {
      const raw = files.card === undefined ? NO_CARD : parseCard(readFileSync(files.card), files.titles.card);
      const opened = await openModelFiles({ ...found.stored, ...files }, raw, loaders);
      try {
        return answerBytes(opened.version);
      } finally {
        await opened.close();
      }
    }),
  );
}
