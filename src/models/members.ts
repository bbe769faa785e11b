import type { BackendStatus } from '../core/backend.ts';
import { BlobGone } from '../core/blobs.ts';
import type { VersionPin } from '../core/ensemble-card.ts';
import { RequestError } from '../core/errors.ts';
import { Misfit } from '../core/misfit.ts';
import type { ModelVersion } from '../core/model.ts';
import { MAX_CARD_BYTES } from './card.ts';
import { BrokenModel } from './load-version.ts';
import type { Resident } from './resident.ts';
import type { Residents } from './residents.ts';
import type { Snapshot } from './snapshot.ts';
import { cardPath, contentId, type ModelStore, type StoredVersion } from './store.ts';

/** Opens versions that an ensemble has pinned: each is in memory once, whoever else asks for it, and may be unloaded and brought back as any other. */
export type OpenMember = (pin: VersionPin) => Promise<ModelVersion>;

const CARD_TIMEOUT_MS = 10_000;

export function createMembers(parts: {
  readonly snapshot: Snapshot;
  readonly residents: Residents;
  readonly store: ModelStore;
}): OpenMember {
  const { snapshot, residents, store } = parts;

  async function find({ model, version }: VersionPin): Promise<StoredVersion> {
    const look = () => snapshot.models?.get(model)?.versions.get(version);
    if (!snapshot.models) await snapshot.look();
    if (!look()) await snapshot.lookAgain();
    const stored = look();
    if (stored) return stored;
    throw new Error('it is not there');
  }

  /** Before it is loaded: two that name each other would wait for each other. */
  async function refuseEnsemble(stored: StoredVersion): Promise<void> {
    if (stored.cardEtag === undefined) return;
    const { text } = await store.readText(cardPath(stored), AbortSignal.timeout(CARD_TIMEOUT_MS), MAX_CARD_BYTES);
    let card: { readonly ensemble?: unknown } | null;
    try {
      card = JSON.parse(text.replace(/^\uFEFF/, ''));
    } catch {
      return; // loading says so
    }
    if (card?.ensemble != null)
      throw new Misfit('it is an ensemble itself; a member is none, so that no ensemble leads back to itself');
  }

  function missing(stored: StoredVersion): string | undefined {
    const listed = snapshot.models?.get(stored.name)?.versions.get(stored.version);
    if (!listed) return 'it is not there any more';
    if (contentId(listed) !== contentId(stored)) return 'it was replaced by other content';
    return residents.get(stored) ? undefined : residents.failure(stored)?.message;
  }

  /** What became of it while nobody looked is told as any member that is away. */
  async function bring(stored: StoredVersion, failed: (message: string, cause?: unknown) => Error): Promise<Resident> {
    const why = missing(stored);
    if (why !== undefined) throw failed(why);
    const resident = residents.get(stored);
    if (resident) return resident;
    try {
      return await residents.load(stored);
    } catch (thrown) {
      if (!(thrown instanceof BrokenModel || thrown instanceof BlobGone)) throw thrown;
      throw failed(thrown.message, thrown instanceof BrokenModel ? thrown.cause : thrown);
    }
  }

  return async pin => {
    const stored = await find(pin);
    await refuseEnsemble(stored);
    const { version } = await bring(stored, (message, cause) => new Error(message, { cause }));
    const { info } = version.backend;
    return {
      ...version,
      backend: {
        info,
        get status(): BackendStatus | undefined {
          const why = missing(stored);
          if (why === undefined) return residents.get(stored)?.version.backend.status;
          return { kind: 'unknown', at: '', state: 'away', reason: why };
        },
        load: async () => info,
        async predict(inputs, options) {
          const { version: there } = await bring(
            stored,
            (message, cause) => new RequestError('model_unavailable', 'infer', message, { cause }),
          );
          return there.backend.predict(inputs, options);
        },
        async close() {}, // the catalog's to close
      },
    };
  };
}
