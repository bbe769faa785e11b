import { hash } from 'node:crypto';
import { createDecoder } from '../codecs/decoder.ts';
import { BlobGone, type Blobs } from '../core/blobs.ts';
import type { Codec } from '../core/codec.ts';
import { asError } from '../core/errors.ts';
import type { InputMapping } from '../core/input.ts';
import type { Log } from '../core/log.ts';
import { MAX_PROFILE_BYTES, PROFILE_FILE, type Profile, parseProfile } from '../drift/profile.ts';
import type { ProfiledVersion, WatchedModels } from '../drift/watched-models.ts';
import { MAX_CARD_BYTES, parseCard } from '../models/card.ts';
import { compileInput } from '../models/compile-input.ts';
import { listingOf } from '../models/listing.ts';
import { asksForProduction, type KnownVersions, productionVersion, resolveVersion } from '../models/resolve-version.ts';
import { cardPath } from '../models/store.ts';
import { type DeploymentDocument, isOpen } from '../rollouts/document.ts';
import { createDeploymentDocuments } from './deployment-documents.ts';

export interface WatchedModelsOptions {
  /** The container of the models. */
  readonly blobs: Blobs;
  readonly codecs: readonly Codec[];
  /** DEFAULT_MODEL */
  readonly defaultModel: string | undefined;
  readonly log: Log;
}

const PROFILE_PATH = new RegExp(`^([^/]+)/([^/]+)/${PROFILE_FILE.replace('.', '\\.')}$`);

/** Looks which versions have a profile and how their requests are read: cards and profiles alone, no model is loaded. */
export function createWatchedModels({ blobs, codecs, defaultModel, log }: WatchedModelsOptions) {
  const documents = createDeploymentDocuments(blobs, log);
  const profiles = createKept(blobs, MAX_PROFILE_BYTES, (text, path) => ({
    id: hash('sha256', text).slice(0, 8),
    profile: parseProfile(text, path),
  }));
  const inputs = createKept(blobs, MAX_CARD_BYTES, (text, path) => {
    const { input, features } = parseCard(text, path);
    return compileInput(
      input,
      path,
      features?.map(({ name, missing }) => ({ name, fill: missing?.fill })),
    );
  });
  const told = new Set<string>();

  async function read<T>(of: Kept<T>, path: string, etag: string, signal: AbortSignal): Promise<T | undefined> {
    try {
      return await of(path, etag, signal);
    } catch (thrown) {
      if (thrown instanceof BlobGone) return undefined;
      const { message } = asError(thrown);
      if (!told.has(message)) log.warn(`a profile or card is not read: ${message}`);
      told.add(message);
      return undefined;
    }
  }

  return async (signal: AbortSignal): Promise<WatchedModels> => {
    const entries = await blobs.list('', signal);
    const { models } = listingOf(entries, () => true);
    const versions = new Map<string, ProfiledVersion>();
    const mappings = new Map<string, InputMapping>();
    for (const { path, etag } of entries) {
      const [, model = '', version = ''] = PROFILE_PATH.exec(path) ?? [];
      const stored = models.get(model)?.versions.get(version);
      if (stored === undefined) continue;
      const found: { id: string; profile: Profile } | undefined = await read(profiles, path, etag, signal);
      if (found !== undefined) versions.set(`${model}/${version}`, { model, version, ...found });
      const input = stored.cardEtag && (await read(inputs, cardPath(stored), stored.cardEtag, signal));
      if (input) mappings.set(`${model}/${version}`, input);
    }
    const deployed = versions.size === 0 ? new Map<string, DeploymentDocument>() : await documents.read(signal);
    const known = (model: string): KnownVersions => {
      const document = deployed.get(model);
      const aliases = new Map<string, string>(
        Object.entries(document?.aliases ?? {}).map(([alias, version]) => [alias.toLowerCase(), String(version)]),
      );
      const quarantined = new Set(Object.keys(document?.quarantine ?? {}));
      return { versions: [...(models.get(model)?.versions.keys() ?? [])], aliases, quarantined };
    };
    const [only, another] = models.keys();
    const usual = defaultModel ?? (another === undefined ? only : undefined);
    const versionsFor = (name: string, asked: string | undefined): readonly string[] => {
      const [first] = resolveVersion(known(name), asked).candidates;
      const rollout = deployed.get(name)?.rollout;
      const candidate = asksForProduction(asked) && isOpen(rollout) ? [rollout.candidate] : [];
      return [...new Set([...(first === undefined ? [] : [first]), ...candidate])].map(each => `${name}/${each}`);
    };
    const resolved = new Map<string, readonly string[]>();
    /** Production's, or the one that is asked for, comes first. */
    const keysFor = (model: string | undefined, asked: string | undefined): readonly string[] => {
      const name = model ?? usual;
      if (name === undefined || !models.has(name)) return [];
      const key = JSON.stringify([name, asked]);
      const keys = resolved.get(key) ?? versionsFor(name, asked);
      resolved.set(key, keys);
      return keys;
    };
    return {
      versions: [...versions.values()],
      find: (model, asked) => keysFor(model, asked).flatMap(key => versions.get(key) ?? []),
      productionOf: model => productionVersion(known(model)),
      decoder: createDecoder(codecs, { inputOf: (model, asked) => mappings.get(keysFor(model, asked)[0] ?? '') }),
    };
  };
}

type Kept<T> = (path: string, etag: string, signal: AbortSignal) => Promise<T>;

/** Reads each blob once, as long as it is the same. */
function createKept<T>(blobs: Blobs, maxBytes: number, parse: (text: string, path: string) => T): Kept<T> {
  const kept = new Map<string, { readonly etag: string; readonly value: T }>();
  return async (path, etag, signal) => {
    const before = kept.get(path);
    if (before?.etag === etag) return before.value;
    const value = parse((await blobs.readText(path, signal, maxBytes)).text, path);
    kept.set(path, { etag, value });
    return value;
  };
}
