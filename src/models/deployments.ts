import { BlobUnusable } from '../core/blobs.ts';
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
  /** Reads those that have changed, or are due for another try. Never throws. */
  read(models: Iterable<StoredModel>, signal: AbortSignal): Promise<ReadonlyMap<string, Deployed>>;
}

interface Known extends Deployed {
  readonly etag: string | undefined;
  /** Which version production was by it. */
  readonly production: string | undefined;
  readonly retryAtMs: number;
  readonly delayMs: number;
}

const READS_AT_ONCE = 16;
/** A slow one holds up the look of all, so it is asked for less and less often. */
const READ_TIMEOUT_MS = 5_000;
const RETRIES = {
  'no answer': { firstMs: 1_000, longestMs: 30_000 },
  /** A blob keeps its ETag when it comes back from the archive. */
  unusable: { firstMs: 30_000, longestMs: 600_000 },
  nonsense: { firstMs: Number.POSITIVE_INFINITY, longestMs: Number.POSITIVE_INFINITY },
};

export function createDeployments(
  store: Pick<ModelStore, 'readText'>,
  kept: KeptDeployments,
  clock: Clock,
  log: Log,
): Deployments {
  let known: ReadonlyMap<string, Known> = new Map();

  async function look(model: StoredModel, before: Known | undefined, signal: AbortSignal): Promise<Known> {
    if (model.deploymentEtag === undefined) {
      if (before?.etag !== undefined || !before) await kept.forget(model.name);
      return inForce(model, NO_DEPLOYMENT);
    }
    const path = deploymentPath(model.name);
    let text: string;
    try {
      text = await readText(path, signal);
    } catch (thrown) {
      return notInForce(model, before, thrown instanceof BlobUnusable ? 'unusable' : 'no answer', asError(thrown));
    }
    try {
      const deployment = parseDeployment(text, path);
      for (const [alias, version] of deployment.aliases) {
        if (!model.versions.has(version)) log.warn(`${path}: alias ${alias} names ${version}, which is not there`);
      }
      if (before?.problem !== undefined) log.info(`${path}: in force again`);
      await keep(model.name, text);
      return inForce(model, deployment);
    } catch (thrown) {
      return notInForce(model, before, 'nonsense', asError(thrown));
    }
  }

  function readText(path: string, signal: AbortSignal): Promise<string> {
    return withDeadline(READ_TIMEOUT_MS, signal, async own => {
      try {
        return (await abortable(store.readText(path, own, MAX_DEPLOYMENT_BYTES), own)).text;
      } catch (thrown) {
        throw own.aborted ? new Error(`${path}: not read within ${READ_TIMEOUT_MS / 1000} s`) : thrown;
      }
    });
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
    return { etag, deployment, production: undefined, problem: message, away, delayMs, retryAtMs: clock() + delayMs };
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
    async read(models, signal) {
      const read = new Map<string, Known>();
      await someAtOnce(models, READS_AT_ONCE, async model => {
        const before = known.get(model.name);
        const isDue = before?.problem !== undefined && clock() >= before.retryAtMs;
        if (!before || before.etag !== model.deploymentEtag || isDue) {
          read.set(model.name, await look(model, before, signal));
        } else read.set(model.name, before.deployment === NO_DEPLOYMENT ? inForce(model, NO_DEPLOYMENT) : before);
      });
      for (const name of known.keys()) if (!read.has(name)) await kept.forget(name);
      known = read;
      return read;
    },
  };
}

function inForce({ versions, deploymentEtag: etag }: StoredModel, deployment: Deployment): Known {
  const production = productionVersion({ versions: [...versions.keys()], aliases: deployment.aliases });
  return { etag, deployment, production, problem: undefined, away: false, retryAtMs: 0, delayMs: 0 };
}

function consequence(last: Deployment | undefined, why: keyof typeof RETRIES): string {
  if (last) return 'what it said before stays in force';
  if (why === 'no answer') return 'what it says is not known yet: requests for production and aliases wait';
  return 'none was seen that could be used: until it is mended or deleted only versions asked for by number answer';
}
