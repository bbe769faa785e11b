import { RequestError } from '../core/errors.ts';
import type { Choose, Route, Routing } from '../core/routing.ts';
import { bucketIn, isCandidate, type RoutingState } from '../rollouts/choose.ts';

/** Where the arms of a state lead; an error: nowhere, and why. */
export interface Arms {
  readonly candidate: Route | RequestError;
  readonly production: Route | RequestError;
  /** For those that take no part. */
  readonly plain: Route | RequestError;
}

/** A state with the arms that it divides requests among. */
interface Road {
  readonly state: RoutingState;
  readonly arms: Arms;
}

/** Requests for production as states and their arms divide them. @param shown what production is for those who have no request */
export function divide(states: readonly RoutingState[], arms: ReadonlyMap<RoutingState, Arms>, shown: Route): Routing {
  const roads = roadsOf(states, arms);
  // It is asked for every event, and so takes the steps of `choose` one by one.
  const through: Choose = (key, segments, atMs) => {
    const { state, arms } = roadAt(roads, atMs);
    const bucket = bucketIn(state, key, segments);
    if (bucket < 0) return { route: routeOf(arms.plain), bucket };
    return { route: routeOf(isCandidate(state, bucket, atMs) ? arms.candidate : arms.production), bucket };
  };
  return { choose: through, production: shown };
}

/** The same as if there were no rollout, but for one that has all the traffic: there is no production beside it. */
export function divideOnLeash(
  states: readonly RoutingState[],
  arms: ReadonlyMap<RoutingState, Arms>,
  shown: Route,
): Routing {
  const roads = roadsOf(states, arms);
  const without: Choose = (key, segments, atMs) => {
    const { state, arms } = roadAt(roads, atMs);
    const bucket = state.weightAt(atMs) >= 100 ? bucketIn(state, key, segments) : -1;
    return { route: routeOf(bucket < 0 ? arms.plain : arms.candidate), bucket };
  };
  return { choose: without, production: shown };
}

function roadsOf(states: readonly RoutingState[], arms: ReadonlyMap<RoutingState, Arms>): readonly Road[] {
  return states.map(state => ({ state, arms: arms.get(state) as Arms }));
}

function roadAt(roads: readonly Road[], atMs: number): Road {
  const [newest] = roads as readonly [Road];
  if (atMs >= newest.state.fromMs) return newest;
  return roads.find(({ state }) => atMs >= state.fromMs) ?? (roads.at(-1) as Road);
}

function routeOf(arm: Route | RequestError): Route {
  if (arm instanceof RequestError) throw arm;
  return arm;
}
