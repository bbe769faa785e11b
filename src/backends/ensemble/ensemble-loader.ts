import { ensembleOf, type MemberPin, type VersionPin } from '../../core/ensemble-card.ts';
import { asError, isRetryable } from '../../core/errors.ts';
import type { Loader, LoadSource, OpenedModel } from '../../core/loader.ts';
import type { Log } from '../../core/log.ts';
import { Misfit } from '../../core/misfit.ts';
import type { ModelVersion } from '../../core/model.ts';
import { createSlot } from '../several/slot.ts';
import { createEnsembleBackend, type Member } from './ensemble-backend.ts';
import { createFit } from './fit.ts';

export interface EnsembleOptions {
  /**
   * Opens a version that is pinned; the ensemble closes its backend.
   * @throws Misfit where it can be no member; Error where it is not to be had.
   */
  readonly member: (pin: VersionPin) => Promise<ModelVersion>;
  readonly log: Log;
  /** A member that is missing is looked for again after so long. */
  readonly retryMs?: number;
}

/** Models that answer together: a card with `"ensemble"` and no file. */
export function createEnsembleLoader(options: EnsembleOptions): Loader {
  return {
    takes: card => card.ensemble != null,
    async open(source) {
      try {
        return await open(source, options);
      } catch (thrown) {
        const message = `${source.title}: ${asError(thrown).message}`;
        throw isRetryable(thrown) ? new MembersAway(message, { cause: thrown }) : new Error(message, { cause: thrown });
      }
    },
    async close() {},
  };
}

/** What is not there now and may be a little later. */
class MembersAway extends Error {
  override readonly name = 'MembersAway';
  readonly retryable = true;
}

interface Found {
  readonly pin: VersionPin;
  readonly title: string;
  open(): Promise<ModelVersion>;
  readonly first: { readonly there: ModelVersion } | { readonly thrown: unknown };
}

async function open(source: LoadSource, options: EnsembleOptions): Promise<OpenedModel> {
  const ensemble = ensembleOf(source.card)!;
  const found = await Promise.all(ensemble.members.map(pin => find(pin, source, options)));
  const there = found.flatMap(({ first }) => ('there' in first ? [first.there] : []));
  try {
    refuseMissing(found, ensemble.on_missing === 'ignore' && there.length > 0);
    const lead = there.find(({ card }) => card.raw.features != null) ?? there[0]!;
    const fit = createFit(ensemble, lead, source.card);
    for (const { title, first } of found) if ('there' in first) said(title, () => fit.widen(first.there));
    const slots = found.map(({ title, first, open: openMember }) => ({
      title,
      slot: createSlot<Member>({
        first: 'there' in first ? { there: fit.member(first.there) } : first,
        async open() {
          const version = await openMember();
          try {
            fit.check(version);
            return fit.member(version);
          } catch (thrown) {
            await version.backend.close();
            throw thrown;
          }
        },
        onMissing: why =>
          options.log.warn(`${source.title}: member ${title} is missing: ${why}; the others answer without it`),
        retryMs: options.retryMs,
      }),
    }));
    const info = fit.info(there, source);
    const backend = createEnsembleBackend({ title: source.title, ensemble, slots, combiner: fit.combiner, info });
    const plan = fit.plan(source);
    await backend.predict(plan.inputs(plan.fixedBatch ? info.maxBatchSize : Math.min(TRIED_ROWS, info.maxBatchSize)));
    return {
      backend,
      producer: `${ensemble.combine} of ${found.map(({ title }) => title).join(', ')}`,
      opsets: new Map(),
    };
  } catch (thrown) {
    await Promise.allSettled(there.map(({ backend }) => backend.close()));
    throw thrown;
  }
}

/** What members say together is seen by so many instances. */
const TRIED_ROWS = 4;

async function find(member: MemberPin, { name, card }: LoadSource, options: EnsembleOptions): Promise<Found> {
  const pin = { model: member.model ?? name ?? String(card.name ?? ''), version: member.version };
  const openPinned = async () => {
    const version = await options.member(pin);
    if (member.sha256 === undefined || member.sha256.toLowerCase() === version.sha256) return version;
    await version.backend.close();
    throw new Misfit(`expected sha256 ${member.sha256}, came ${version.sha256}`);
  };
  const first = await openPinned().then(
    version => ({ there: version }),
    thrown => ({ thrown }),
  );
  return { pin, title: `${pin.model} ${pin.version}`, open: openPinned, first };
}

/** @throws Error of the first that is not there, unless others may answer without it */
function refuseMissing(found: readonly Found[], othersMay: boolean): void {
  for (const { title, first } of found) {
    if ('there' in first || (othersMay && !(first.thrown instanceof Misfit))) continue;
    said(title, () => {
      throw first.thrown;
    });
  }
}

/** Names the member in whatever is wrong with it. */
function said(title: string, check: () => void): void {
  try {
    check();
  } catch (thrown) {
    const message = `ensemble: member ${title}: ${asError(thrown).message}`;
    const isAway = isRetryable(thrown) || (thrown instanceof Error && isRetryable(thrown.cause));
    throw isAway ? new MembersAway(message, { cause: thrown }) : new Error(message, { cause: thrown });
  }
}
