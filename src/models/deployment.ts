import semver from 'semver';
import { z } from 'zod';
import { BlobConflict, BlobGone } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import { faults } from './card.ts';
import { looksLikeVersion } from './resolve-version.ts';
import { deploymentPath, type ModelStore } from './store.ts';

const deploymentSchema = z.looseObject({
  aliases: z
    .record(
      z.string(),
      z.string().refine(version => semver.valid(version) === version, 'expected a version like 1.0.0'),
    )
    .nullish()
    .transform(aliases => aliases ?? {}),
});

/** A model's deployment.json: which version an alias stands for; unknown fields (rollout) are kept. */
export interface Deployment {
  /** Alias in lower case → version. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly raw: Readonly<Record<string, unknown>>;
}

/** A deployment.json that says nothing that could be followed. */
export class BadDeployment extends Error {
  override readonly name = 'BadDeployment';
}

/** Some 5,000 aliases; it is parsed by every instance at every change. */
export const MAX_DEPLOYMENT_BYTES = 256 * 1024;

/** @throws BadDeployment naming the file, the field, what was expected and what came. */
export function parseDeployment(text: string, file: string): Deployment {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (thrown) {
    throw new BadDeployment(`${file}: not JSON: ${asError(thrown).message}`, { cause: thrown });
  }
  const parsed = deploymentSchema.safeParse(value);
  if (!parsed.success) throw new BadDeployment(`${file}: ${faults(parsed.error, value)}`);
  const aliases = new Map(Object.entries(parsed.data.aliases).map(([alias, to]) => [alias.toLowerCase(), to]));
  return { aliases, raw: parsed.data };
}

/** The versions that it names: by an alias, `previous` among them, or as one of a rollout's. */
export function namedVersions({ aliases, raw }: Deployment): Set<string> {
  const { candidate, baseline } = (raw.rollout ?? {}) as { candidate?: unknown; baseline?: unknown };
  const arms = [candidate, baseline].filter(version => typeof version === 'string');
  return new Set([...aliases.values(), ...arms]);
}

/** The deployment of a model that has no deployment.json. */
export const NO_DEPLOYMENT: Deployment = { aliases: new Map(), raw: {} };

/**
 * Points an alias at a version (or removes it, with `undefined`), under the file's ETag: a change that somebody else makes at the same
 * moment is never lost.
 * @throws Error where the alias reads as a version or the deployment there cannot be read; BlobConflict after several tries.
 */
export async function setAlias(
  store: ModelStore,
  name: string,
  alias: string,
  version: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (looksLikeVersion(alias)) throw new Error(`alias ${alias}: expected a name, this reads as a version`);
  const path = deploymentPath(name);
  for (let attempt = 1; ; attempt++) {
    const there = await store.readText(path, signal).catch(thrown => {
      if (thrown instanceof BlobGone) return undefined;
      throw thrown;
    });
    const raw: Record<string, unknown> = there ? { ...parseDeployment(there.text, path).raw } : {};
    const aliases = { ...(raw.aliases as Record<string, string> | undefined) };
    for (const key of Object.keys(aliases)) if (key.toLowerCase() === alias.toLowerCase()) delete aliases[key];
    if (version !== undefined) aliases[alias.toLowerCase()] = version;
    const text = `${JSON.stringify({ ...raw, aliases }, null, 2)}\n`;
    // Nobody would follow it.
    if (Buffer.byteLength(text) > MAX_DEPLOYMENT_BYTES)
      throw new Error(`${path}: more than ${MAX_DEPLOYMENT_BYTES} bytes`);
    try {
      await store.writeText(path, text, there ? { etag: there.etag } : 'absent', signal);
      return;
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict) || attempt === 5) throw thrown;
    }
  }
}
