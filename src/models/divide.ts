import { RequestError } from '../core/errors.ts';
import type { Choose, Route, Routing } from '../core/routing.ts';
import { bucketIn, isCandidate, limitAt, type RoutingState } from '../rollouts/choose.ts';

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
  readonly fromMs: number;
  readonly arms: Arms;
  /** Buckets below it are the candidate's; undefined where that changes with the time. */
  readonly limit: number | undefined;
}

/** Requests for production as states and their arms divide them. @param shown what production is for those who have no request */
export function divide(states: readonly RoutingState[], arms: ReadonlyMap<RoutingState, Arms>, shown: Route): Routing {
  const roads = roadsOf(states, arms);
  // It is asked for every event, and so takes the steps of `choose` one by one.
  const through: Choose = (key, segments, atMs) => {
    const { state, arms, limit } = roadAt(roads, atMs);
    const bucket = bucketIn(state, key, segments);
    if (bucket < 0) return { route: routeOf(arms.plain), bucket };
    const isTaken = limit === undefined ? isCandidate(state, bucket, atMs) : bucket < limit;
    return { route: routeOf(isTaken ? arms.candidate : arms.production), bucket };
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
  return states.map(state => ({
    state,
    fromMs: state.fromMs,
    arms: arms.get(state) as Arms,
    limit: state.rollout?.ramp === undefined ? limitAt(state, state.fromMs) : undefined,
  }));
}

function roadAt(roads: readonly Road[], atMs: number): Road {
  const newest = roads[0] as Road;
  if (atMs >= newest.fromMs) return newest;
  return roads.find(({ fromMs }) => atMs >= fromMs) ?? (roads.at(-1) as Road);
}

function routeOf(arm: Route | RequestError): Route {
  if (arm instanceof RequestError) throw arm;
  return arm;
}
