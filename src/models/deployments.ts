import { BlobGone, type BlobText, BlobUnusable } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import { someAtOnce } from '../core/some-at-once.ts';
import { abortable, withDeadline } from '../core/waiting.ts';
import { type Deployment, MAX_DEPLOYMENT_BYTES, NO_DEPLOYMENT, parseDeployment } from './deployment.ts';
import type { KeptDeployments } from './kept-deployments.ts';
import { productionVersion } from './resolve-version.ts';
import { deploymentPath, type ModelStore, type StoredModel } from './store.ts';

/** What a model's deployment.json says, or said when it could last be used. */
export interface Deployed {
  /** Undefined: there is one, and none that could be used was ever seen, so that nobody knows which version production is. */
  readonly deployment: Deployment | undefined;
  /** Why the one that is there is not in force. */
  readonly problem: string | undefined;
  /** Storage did not answer for it: requests wait, where they would end otherwise. */
  readonly away: boolean;
}

/** The deployment.json of every model, followed as they change; one that is slow or cannot be used hurts no other model. */
export interface Deployments {
  /**
   * Reads those that have changed, or are due for another try. Never throws.
   * @param listedMs when the listing that `models` are of began: what was checked since is newer
   */
  read(models: Iterable<StoredModel>, signal: AbortSignal, listedMs: number): Promise<ReadonlyMap<string, Deployed>>;
  /** Asks whether a model's is still the one that was read: one round trip, of no bytes where it is. Never throws. @returns what it says now; undefined where that is what it said. */
  check(model: StoredModel, signal: AbortSignal): Promise<Deployed | undefined>;
  /** When storage last said what a model's is, and it could be followed; −∞ where it never did. */
  checkedMs(name: string): number;
}

interface Known extends Deployed {
  readonly etag: string | undefined;
  /** Which version production was by it. */
  readonly production: string | undefined;
  readonly retryAtMs: number;
  readonly delayMs: number;
  readonly checkedMs: number;
  /** Since when it could not be checked; said once. */
  readonly failedMs?: number | undefined;
}

const READS_AT_ONCE = 16;
/** A slow one holds up the look of all, so it is asked for less and less often. */
const READ_TIMEOUT_MS = 5_000;
/** A batch waits for it. */
const CHECK_TIMEOUT_MS = 2_000;
const RETRIES = {
  'no answer': { firstMs: 1_000, longestMs: 30_000 },
  /** A blob keeps its ETag when it comes back from the archive. */
  unusable: { firstMs: 30_000, longestMs: 600_000 },
  nonsense: { firstMs: Number.POSITIVE_INFINITY, longestMs: Number.POSITIVE_INFINITY },
};

export function createDeployments(
  store: Pick<ModelStore, 'readText' | 'readNewer'>,
  kept: KeptDeployments,
  clock: Clock,
  log: Log,
): Deployments {
  let known = new Map<string, Known>();

  async function look(model: StoredModel, before: Known | undefined, signal: AbortSignal): Promise<Known> {
    if (model.deploymentEtag === undefined) {
      if (before?.etag !== undefined || !before) await kept.forget(model.name);
      return inForce(model, NO_DEPLOYMENT, clock());
    }
    const path = deploymentPath(model.name);
    let text: string;
    try {
      text = await readText(path, signal, READ_TIMEOUT_MS);
    } catch (thrown) {
      return notInForce(model, before, thrown instanceof BlobUnusable ? 'unusable' : 'no answer', asError(thrown));
    }
    return take(model, before, text);
  }

  async function take(model: StoredModel, before: Known | undefined, text: string): Promise<Known> {
    const path = deploymentPath(model.name);
    try {
      const deployment = parseDeployment(text, path);
      for (const [alias, version] of deployment.aliases) {
        if (!model.versions.has(version)) log.warn(`${path}: alias ${alias} names ${version}, which is not there`);
      }
      if (before?.problem !== undefined) log.info(`${path}: in force again`);
      await keep(model.name, text);
      return inForce(model, deployment, clock());
    } catch (thrown) {
      return notInForce(model, before, 'nonsense', asError(thrown));
    }
  }

  async function readText(path: string, signal: AbortSignal, timeoutMs: number): Promise<string> {
    const { text } = await inTime(path, signal, timeoutMs, own => store.readText(path, own, MAX_DEPLOYMENT_BYTES));
    return text;
  }

  function inTime<T>(
    path: string,
    signal: AbortSignal,
    timeoutMs: number,
    read: (own: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return withDeadline(timeoutMs, signal, async own => {
      try {
        return await abortable(read(own), own);
      } catch (thrown) {
        throw own.aborted ? new Error(`${path}: not read within ${timeoutMs / 1000} s`) : thrown;
      }
    });
  }

  /** What is there under another ETag than the one that is known, or where none is; undefined where that is still so. */
  async function newer(
    name: string,
    etag: string | undefined,
    signal: AbortSignal,
  ): Promise<BlobText | 'none' | undefined> {
    const path = deploymentPath(name);
    try {
      return await inTime(path, signal, CHECK_TIMEOUT_MS, own =>
        etag === undefined
          ? store.readText(path, own, MAX_DEPLOYMENT_BYTES)
          : store.readNewer(path, etag, own, MAX_DEPLOYMENT_BYTES),
      );
    } catch (thrown) {
      if (!(thrown instanceof BlobGone)) throw thrown;
      return etag === undefined ? undefined : 'none';
    }
  }

  async function check(model: StoredModel, signal: AbortSignal): Promise<Deployed | undefined> {
    const { name } = model;
    const before = known.get(name);
    if (before === undefined) return undefined;
    try {
      const found = await newer(name, before.etag, signal);
      if (found === undefined) {
        // One that is there and cannot be followed is not known by its ETag alone.
        if (before.problem === undefined) known.set(name, { ...before, checkedMs: clock(), failedMs: undefined });
        return undefined;
      }
      const there = { ...model, deploymentEtag: found === 'none' ? undefined : found.etag };
      const read = found === 'none' ? await look(there, before, signal) : await take(there, before, found.text);
      known.set(name, read);
      return read;
    } catch (thrown) {
      if (before.checkedMs === known.get(name)?.checkedMs && before.failedMs === undefined) {
        known.set(name, { ...before, failedMs: clock() });
        log.warn(`${asError(thrown).message}; going by what it said before`);
      }
      return undefined;
    }
  }

  async function notInForce(
    model: StoredModel,
    before: Known | undefined,
    why: keyof typeof RETRIES,
    { message }: Error,
  ): Promise<Known> {
    const { name, deploymentEtag: etag } = model;
    const deployment = before ? await lastOf(name, before) : await keptOf(name);
    const isSame = before?.problem !== undefined && before.etag === etag;
    if (!isSame || before.problem !== message) log.error(`${message}; not taken over: ${consequence(deployment, why)}`);
    const { firstMs, longestMs } = RETRIES[why];
    const delayMs = isSame ? Math.min(before.delayMs * 2, longestMs) : firstMs;
    const away = why === 'no answer';
    const checkedMs = before?.checkedMs ?? Number.NEGATIVE_INFINITY;
    return {
      etag,
      deployment,
      production: undefined,
      problem: message,
      away,
      delayMs,
      retryAtMs: clock() + delayMs,
      checkedMs,
    };
  }

  /** Where there was none, the highest version was production, and stays it: a file that cannot be used makes nothing live. */
  async function lastOf(name: string, { deployment, production }: Known): Promise<Deployment | undefined> {
    if (deployment !== NO_DEPLOYMENT || production === undefined) return deployment;
    const text = JSON.stringify({ aliases: { production } });
    await keep(name, text);
    return parseDeployment(text, deploymentPath(name));
  }

  async function keptOf(name: string): Promise<Deployment | undefined> {
    const text = await kept.read(name);
    try {
      return text === undefined ? undefined : parseDeployment(text, deploymentPath(name));
    } catch {
      return undefined;
    }
  }

  async function keep(name: string, text: string): Promise<void> {
    await kept.keep(name, text).catch(thrown => {
      log.warn(`${deploymentPath(name)}: not kept for the next start: ${asError(thrown).message}`);
    });
  }

  return {
    check,
    checkedMs: name => known.get(name)?.checkedMs ?? Number.NEGATIVE_INFINITY,
    async read(models, signal, listedMs) {
      const read = new Map<string, Known>();
      const seen = new Map(known);
      await someAtOnce(models, READS_AT_ONCE, async model => {
        const before = seen.get(model.name);
        const isDue = before?.problem !== undefined && clock() >= before.retryAtMs;
        if (before && before.checkedMs > listedMs) read.set(model.name, before);
        else if (!before || before.etag !== model.deploymentEtag || isDue) {
          read.set(model.name, await look(model, before, signal));
        } else if (before.deployment === NO_DEPLOYMENT) read.set(model.name, inForce(model, NO_DEPLOYMENT, clock()));
        else read.set(model.name, before.problem === undefined ? { ...before, checkedMs: clock() } : before);
      });
      for (const name of known.keys()) if (!read.has(name)) await kept.forget(name);
      for (const [name, checked] of known) if (read.has(name) && checked !== seen.get(name)) read.set(name, checked);
      known = read;
      return read;
    },
  };
}

function inForce({ versions, deploymentEtag: etag }: StoredModel, deployment: Deployment, checkedMs: number): Known {
  const quarantined = new Set(Object.keys(deployment.document.quarantine));
  const production = productionVersion({ versions: [...versions.keys()], aliases: deployment.aliases, quarantined });
  return { etag, deployment, production, problem: undefined, away: false, retryAtMs: 0, delayMs: 0, checkedMs };
}

function consequence(last: Deployment | undefined, why: keyof typeof RETRIES): string {
  if (last) return 'what it said before stays in force';
  if (why === 'no answer') return 'what it says is not known yet: requests for production and aliases wait';
  return 'none was seen that could be used: until it is mended or deleted only versions asked for by number answer';
}
