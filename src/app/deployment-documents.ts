import { BlobGone, type Blobs } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { stateUnder } from '../rollouts/choose.ts';
import { BadDeployment, type DeploymentDocument, MAX_DEPLOYMENT_BYTES, parseDocument } from '../rollouts/document.ts';
import type { WeightOf } from '../sweep/fold.ts';

/** What the deployment.json of every model says. */
export interface DeploymentDocuments {
  /** Reads those that changed. One that cannot be read is what it was before, and is said. */
  read(signal: AbortSignal): Promise<ReadonlyMap<string, DeploymentDocument>>;
}

const FILE = '/deployment.json';

/** @param models the container of the models */
export function createDeploymentDocuments(models: Blobs, log: Log): DeploymentDocuments {
  let known = new Map<string, { readonly etag: string; readonly document: DeploymentDocument }>();
  return {
    async read(signal) {
      const found: typeof known = new Map();
      for (const { path, etag } of await models.list('', signal)) {
        const name = path.slice(0, -FILE.length);
        if (!path.endsWith(FILE) || name.includes('/')) continue;
        const before = known.get(name);
        if (before?.etag === etag) found.set(name, before);
        else {
          try {
            const there = await models.readText(path, signal, MAX_DEPLOYMENT_BYTES);
            found.set(name, { etag, document: parseDocument(there.text, path) });
          } catch (thrown) {
            if (!(thrown instanceof BadDeployment || thrown instanceof BlobGone)) throw thrown;
            log.warn(`${asError(thrown).message}; rollouts of ${name} are judged by what it said before`);
            if (before !== undefined) found.set(name, { ...before, etag });
          }
        }
      }
      known = found;
      return new Map([...known].map(([name, { document }]) => [name, document]));
    },
  };
}

/** At which weight a request was routed, by the document's history. */
export function weightsOf(documents: ReadonlyMap<string, DeploymentDocument>): WeightOf {
  const states = new Map<string, ReturnType<typeof stateUnder>>();
  return (model, rollout, revision, enqueuedAtMs) => {
    const key = `${revision} ${model}`;
    let state = states.get(key);
    if (state === undefined && !states.has(key)) {
      const document = documents.get(model);
      state = document && stateUnder(document, revision);
      states.set(key, state);
    }
    return state?.rollout?.id === rollout ? state.weightAt(enqueuedAtMs) : undefined;
  };
}
