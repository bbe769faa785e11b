import { membersOf } from '../core/ensemble-card.ts';
import type { Clock, Log } from '../core/log.ts';
import { someAtOnce } from '../core/some-at-once.ts';
import { knownVersions } from './decide.ts';
import { namedVersions } from './deployment.ts';
import type { Resident } from './resident.ts';
import { KEPT_MS, type Residents } from './residents.ts';
import { asksForProduction, looksLikeVersion, productionVersion } from './resolve-version.ts';
import type { Resolver } from './resolver.ts';
import type { RolloutRoutes } from './rollout-routes.ts';
import { entryOf, type Routes, type Step } from './routes.ts';
import { sayUnlessSaid } from './say-unless-said.ts';
import type { Snapshot } from './snapshot.ts';
import type { StoredVersion } from './store.ts';

export const LOADS_AT_ONCE = 2;
/** A load that takes longer holds up no other. */
export const LOAD_PLACE_MS = 2_000;

export interface Follow {
  /** All that was seen to change. */
  all(): Promise<void>;
  /** What a model's deployment.json says now. */
  deployment(name: string): Promise<void>;
}

/** Has memory follow what storage was seen to hold: new versions take over once they are warm, and what nothing names any more is let go. */
export function createFollow(parts: {
  readonly snapshot: Snapshot;
  readonly residents: Residents;
  readonly routes: Routes;
  readonly resolver: Resolver;
  readonly rollouts: Pick<RolloutRoutes, 'residents' | 'follow'>;
  readonly clock: Clock;
  readonly log: Log;
}): Follow {
  const { snapshot, residents, routes, resolver, rollouts, clock, log } = parts;
  /** The last step of each route, by what is asked for. */
  const turns = new Map<string, Promise<void>>();

  /** What was superseded by the look before goes only now, since batches may have been on their way to it, and before anything is loaded. */
  function letGo(): void {
    for (const { model, asked, entry } of routes.all()) {
      const isIdle = clock() - entry.askedMs > KEPT_MS && !isNamed(model, asked);
      if (isIdle || isUnloaded(entry.resident)) routes.delete(model, asked);
    }
    const used = new Set([...routes.all().map(({ entry }) => entry.resident), ...rollouts.residents()]);
    for (const stored of namedStored()) {
      const resident = residents.get(stored);
      if (resident) used.add(resident);
    }
    for (const { version } of [...used]) {
      for (const pin of membersOf(version.name, version.card.raw)) {
        const stored = snapshot.models!.get(pin.model)?.versions.get(pin.version);
        const resident = stored && residents.get(stored);
        if (resident) used.add(resident);
      }
    }
    residents.retain(allStored(), used);
  }

  function isNamed(model: string | undefined, asked: string | undefined): boolean {
    if (asksForProduction(asked)) return true;
    const known = snapshot.models!.get(resolver.nameOf(model) ?? '');
    return known?.deployed.deployment?.aliases.has(asked!.trim().toLowerCase()) === true;
  }

  function* namedStored(): Iterable<StoredVersion> {
    for (const model of snapshot.models!.values()) {
      const { deployment } = model.deployed;
      const production = productionVersion(knownVersions(model));
      for (const version of [production ?? '', ...(deployment ? namedVersions(deployment) : [])]) {
        const stored = model.versions.get(version);
        if (stored) yield stored;
      }
    }
  }

  function* allStored(): Iterable<StoredVersion> {
    for (const model of snapshot.models!.values()) yield* model.versions.values();
  }

  /** Of two looks the later has the last word, though what the earlier has found is still being loaded. */
  async function inTurn({ model, asked }: Step): Promise<void> {
    const key = JSON.stringify([model, asked]);
    const turn = (turns.get(key) ?? Promise.resolve()).then(() => advance(model, asked)).catch(sayUnlessSaid(log));
    turns.set(key, turn);
    await turn;
    if (turns.get(key) === turn) turns.delete(key);
  }

  /** A route goes on with what it has until something better is warm. */
  async function advance(model: string | undefined, asked: string | undefined): Promise<void> {
    const entry = routes.get(model, asked);
    if (!entry) return;
    const name = resolver.nameOf(model);
    const isKnown = name !== undefined && snapshot.models!.has(name);
    if (!isKnown || isUnloaded(entry.resident)) {
      routes.delete(model, asked);
      return;
    }
    const decision = await resolver.settle(name, asked);
    if (decision.kind === 'none') return;
    if (decision.fallback) routes.delete(model, asked);
    else if (decision.resident !== entry.resident) {
      entry.resident.superseded = true;
      routes.set(model, asked, { ...entryOf(decision, asked, clock()), askedMs: entry.askedMs });
      if (asked !== undefined) return;
      log.info(`${name}: ${decision.resident.version.label} takes over from ${entry.resident.version.label}`);
    }
  }

  /** What must not serve any more does not serve on until something else is warm: the next batch waits for that. */
  function drop({ model, asked, entry }: Step): boolean {
    const { name, version } = entry.resident.version;
    const quarantine = snapshot.models?.get(name)?.deployed.deployment?.document.quarantine ?? {};
    const isDropped = quarantine[version] !== undefined && !looksLikeVersion(asked ?? '');
    if (isDropped) routes.delete(model, asked);
    return isDropped;
  }

  return {
    async all() {
      letGo();
      rollouts.follow();
      await someAtOnce(routes.all(), LOADS_AT_ONCE, inTurn, LOAD_PLACE_MS);
    },
    async deployment(name) {
      const steps = routes.all().filter(({ model }) => resolver.nameOf(model) === name);
      const left = steps.filter(step => !drop(step));
      await someAtOnce(left, LOADS_AT_ONCE, inTurn, LOAD_PLACE_MS);
    },
  };
}

/** A request brings back what was unloaded for lack of room. Done at each look, a budget smaller than what is used would have all of it loaded each time. */
function isUnloaded({ live }: Resident): boolean {
  return live === undefined;
}
