import { NO_DEPLOYMENT } from './deployment.ts';
import type { Resident } from './resident.ts';
import type { Residents } from './residents.ts';
import { asksForProduction, type KnownVersions, resolveVersion } from './resolve-version.ts';
import type { KnownModel } from './snapshot.ts';
import type { StoredVersion } from './store.ts';

/** What answers a request: a loaded version; one that must be loaded first; or nothing, and why. */
export type Decision =
  | {
      readonly kind: 'use';
      readonly resident: Resident;
      readonly fallback: boolean;
      readonly instead: string | undefined;
    }
  /** `fallback`: it would stand in for what was asked for. */
  | { readonly kind: 'load'; readonly stored: StoredVersion; readonly fallback: boolean }
  /** `away`: storage may tell more when it answers. */
  | { readonly kind: 'none'; readonly reason: string; readonly away?: boolean };

const LONGEST_FALLBACK_CHAIN = 3;

/**
 * Decides by what storage holds and what is in memory; asked again after every load, until nothing is left to load.
 * A version that is broken gives way, in this order, to the last good content under its name, to the fallback its card
 * declares, and, for production, aliases and ranges, to the next older version.
 */
export function decide(
  models: ReadonlyMap<string, KnownModel>,
  residents: Residents,
  name: string,
  asked: string | undefined,
  chain = 0,
): Decision {
  const model = models.get(name);
  if (!model) return { kind: 'none', reason: `model ${name} is not there` };
  const { deployment, problem, away } = model.deployed;
  const { candidates, build, fallback } = resolveVersion(knownVersions(model), asked);
  if (!deployment && (fallback || asksForProduction(asked))) {
    return { kind: 'none', reason: `which version of ${name} is production is not known: ${problem}`, away };
  }
  let reason: string | undefined;
  for (const candidate of candidates) {
    const stored = model.versions.get(candidate);
    if (!stored) {
      reason ??= `${name} ${candidate} is not there`;
      continue;
    }
    const resident = residents.get(stored);
    const failure = resident ? undefined : residents.failure(stored);
    if (!resident && !failure) return { kind: 'load', stored, fallback };
    const usable = resident ?? residents.previous(stored);
    if (usable) {
      if (build !== undefined && usable.version.label.split('+')[1] !== build) {
        return instead(decide(models, residents, name, undefined, chain), asked); // that build is not there
      }
      return { kind: 'use', resident: usable, fallback, instead: fallback ? asked : undefined };
    }
    reason ??= failure!.message;
    if (failure!.fallback && chain < LONGEST_FALLBACK_CHAIN) {
      const target = failure!.fallback;
      const decision = decide(models, residents, target.model ?? name, target.version, chain + 1);
      if (decision.kind !== 'none') return instead(decision, asked ?? candidate);
    }
  }
  return { kind: 'none', reason: reason ?? `${name} has no version` };
}

/** The aliases and versions that a request may ask for. */
export function knownVersions(model: KnownModel): KnownVersions {
  const { aliases, document } = model.deployed.deployment ?? NO_DEPLOYMENT;
  const quarantined = new Set(Object.keys(document.quarantine));
  return { versions: [...model.versions.keys()], aliases, quarantined };
}

function instead(decision: Decision, asked: string | undefined): Decision {
  if (decision.kind === 'none') return decision;
  return decision.kind === 'use' ? { ...decision, fallback: true, instead: asked } : { ...decision, fallback: true };
}
