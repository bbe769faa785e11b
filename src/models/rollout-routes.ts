import { asError, RequestError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import type { RolloutMark, Route, Routing } from '../core/routing.ts';
import { type RoutingState, routingStates } from '../rollouts/choose.ts';
import type { DeploymentDocument } from '../rollouts/document.ts';
import { type Arms, divide, divideOnLeash } from './divide.ts';
import type { Resident } from './resident.ts';
import type { Resolver, Settled } from './resolver.ts';
import { sayUnlessSaid } from './say-unless-said.ts';
import type { Snapshot } from './snapshot.ts';

/** How requests for production are routed while a rollout, or a cut that is not long ago, divides them. */
export interface RolloutRoutes {
  /** Undefined: all go where `production` points. A promise where a version that it can lead to is still to be loaded. */
  routing(name: string): Routing | Promise<Routing> | undefined;
  /** Has everything loaded that a model's deployment.json leads to, before it does. Resolves once what is in force by now can be followed. */
  announce(name: string): Promise<void>;
  /** Tries again what could not be loaded. */
  follow(): void;
  /** What is led to. */
  residents(): Iterable<Resident>;
}

/** Where a document was not heard of for so long, a rollback could not reach us. */
const LEASH_MS = 120_000;
/** A cut so long ago that no hub holds an event from before it. */
const FORGET_MS = 7 * 86_400_000;
/** Clocks differ. */
const SKEW_MS = 1_000;

interface Built {
  readonly document: DeploymentDocument;
  readonly routing: Routing;
  readonly leashed: Routing;
  readonly residents: readonly Resident[];
  /** Something stands in for what could not be loaded. */
  readonly isMakeshift: boolean;
}

export function createRolloutRoutes(parts: {
  readonly snapshot: Snapshot;
  readonly resolver: Resolver;
  /** When a model's document was last heard of. */
  readonly checkedMs: (name: string) => number;
  readonly clock: Clock;
  readonly log: Log;
}): RolloutRoutes {
  const { snapshot, resolver, checkedMs, clock, log } = parts;
  const built = new Map<string, Built>();
  const building = new Map<string, { readonly document: DeploymentDocument; readonly work: Promise<Built> }>();
  const leashed = new Set<string>();

  function wanted(name: string): { document: DeploymentDocument; states: readonly RoutingState[] } | undefined {
    const document = snapshot.models?.get(name)?.deployed.deployment?.document;
    if (document === undefined) return undefined;
    const states = statesOf(document, clock);
    return states.length > 1 || states[0]?.rollout !== undefined ? { document, states } : undefined;
  }

  /** Joins what is under way for the same document. */
  function build(name: string, document: DeploymentDocument, states: readonly RoutingState[]): Promise<Built> {
    const underWay = building.get(name);
    if (underWay?.document === document) return underWay.work;
    const work = buildNow(name, document, states)
      .then(made => {
        // A later document may have been quicker.
        if (building.get(name)?.work === work) {
          for (const resident of built.get(name)?.residents ?? [])
            if (!made.residents.includes(resident)) resident.superseded = true;
          for (const resident of made.residents) resident.superseded = false;
          built.set(name, made);
        }
        return made;
      })
      .finally(() => {
        if (building.get(name)?.work === work) building.delete(name);
      });
    building.set(name, { document, work });
    return work;
  }

  async function buildNow(name: string, document: DeploymentDocument, states: readonly RoutingState[]): Promise<Built> {
    const residents = new Set<Resident>();
    let isMakeshift = false;
    const settled = new Map<string | undefined, Promise<Settled>>();
    const settle = (version: string | undefined) => {
      let deciding = settled.get(version);
      if (deciding === undefined) {
        deciding = settleVersion(name, version);
        settled.set(version, deciding);
      }
      return deciding;
    };
    const leadTo = async (
      version: string | undefined,
      more: Pick<Route, 'variant' | 'rollout'>,
    ): Promise<Route | RequestError> => {
      const decision = await settle(version);
      if (decision.kind === 'none') {
        isMakeshift = true;
        return new RequestError('model_unavailable', 'route', decision.reason);
      }
      residents.add(decision.resident);
      const requestedVersion = decision.fallback ? (decision.instead ?? version) : undefined;
      if (decision.fallback) isMakeshift = true;
      return { version: decision.resident.version, requestedVersion, fallback: decision.fallback, ...more };
    };
    const now = states[0] as RoutingState;
    const arms = new Map<RoutingState, Arms>();
    for (const state of states) {
      const { rollout } = state;
      const named = state.aliases.get('production');
      // What production is now has stand-ins; what it was is that version.
      const isNow = named === undefined || named === now.aliases.get('production');
      const plain = await leadTo(isNow ? undefined : named, { variant: undefined, rollout: undefined });
      if (rollout === undefined) {
        arms.set(state, { candidate: plain, production: plain, plain });
        continue;
      }
      const mark: RolloutMark = { id: rollout.id, revision: state.revision };
      const isBaseline = rollout.baseline === named && isNow;
      const baseline = isBaseline ? undefined : rollout.baseline;
      const production = await leadTo(baseline, { variant: 'production', rollout: mark });
      const candidate = await leadTo(rollout.candidate, { variant: 'candidate', rollout: mark });
      arms.set(state, { plain, production, candidate: orInstead(candidate, production, rollout.candidate) });
    }
    const { plain: production } = arms.get(now) as Arms;
    const shown =
      production instanceof RequestError
        ? [...arms.values()].map(({ production }) => production).find(isRoute)
        : production;
    if (shown === undefined) throw production;
    const [routing, leashed] = [divide(states, arms, shown), divideOnLeash(states, arms, shown)];
    return { document, routing, leashed, residents: [...residents], isMakeshift };
  }

  /** A candidate may have been pushed a moment before its rollout began. @throws InfrastructureError */
  async function settleVersion(name: string, version: string | undefined): Promise<Settled> {
    if (version !== undefined && !snapshot.models?.get(name)?.versions.has(version)) {
      await snapshot.lookAgain().catch(() => {});
    }
    return resolver.settle(name, version);
  }

  function routingOf(name: string, { routing, leashed: without, residents }: Built): Routing {
    const isLeashed = clock() - checkedMs(name) > LEASH_MS;
    if (isLeashed !== leashed.has(name)) {
      if (isLeashed) leashed.add(name);
      else leashed.delete(name);
      const words = 'requests go to production as if there were no rollout';
      if (isLeashed) log.warn(`${name}/deployment.json could not be read for ${LEASH_MS / 1000} s: ${words}`);
      else log.info(`${name}/deployment.json can be read again, and its rollout is followed`);
    }
    const nowMs = clock();
    for (const resident of residents) resident.lastUsedMs = nowMs;
    return isLeashed ? without : routing;
  }

  const isLive = ({ residents }: Built) => residents.every(({ live }) => live !== undefined);

  return {
    routing(name) {
      const want = wanted(name);
      if (want === undefined) {
        if (!building.has(name)) built.delete(name);
        return undefined;
      }
      const have = built.get(name);
      const isUsable = have !== undefined && isLive(have);
      if (isUsable && have.document === want.document) return routingOf(name, have);
      const work = build(name, want.document, want.states);
      // What is announced is not in force yet: until then all are routed as before, by either.
      if (isUsable && clock() < (want.states[0] as RoutingState).fromMs - SKEW_MS) {
        work.catch(sayUnlessSaid(log));
        return routingOf(name, have);
      }
      return work.then(made => routingOf(name, made));
    },
    async announce(name) {
      const want = wanted(name);
      if (want === undefined) return;
      const work = build(name, want.document, want.states);
      if (clock() >= (want.states[0] as RoutingState).fromMs - SKEW_MS) await work;
      else work.catch(thrown => log.warn(`${name}: following its rollout: ${asError(thrown).message}`));
    },
    follow() {
      for (const name of snapshot.models?.keys() ?? []) {
        const want = wanted(name);
        const have = built.get(name);
        if (want === undefined || (have?.document === want.document && !have.isMakeshift)) continue;
        if (have !== undefined) build(name, want.document, want.states).catch(sayUnlessSaid(log));
      }
    },
    *residents() {
      for (const { residents } of built.values()) yield* residents;
    },
  };
}

const isRoute = (arm: Route | RequestError): arm is Route => !(arm instanceof RequestError);

/** A candidate that does not load is answered by production, says so, and counts against it. */
function orInstead(
  candidate: Route | RequestError,
  production: Route | RequestError,
  version: string,
): Route | RequestError {
  if (isRoute(candidate) || !isRoute(production)) return candidate;
  return { ...production, variant: 'candidate', requestedVersion: version, fallback: true };
}

const known = new WeakMap<DeploymentDocument, readonly RoutingState[]>();

/** Those that an event still in a hub may be routed by. */
function statesOf(document: DeploymentDocument, clock: Clock): readonly RoutingState[] {
  let states = known.get(document);
  if (states === undefined) {
    const all = routingStates(document);
    const last = all.findIndex(({ fromMs }) => fromMs < clock() - FORGET_MS);
    states = last < 0 ? all : all.slice(0, last + 1);
    known.set(document, states);
  }
  return states;
}
