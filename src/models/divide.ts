import { RequestError } from '../core/errors.ts';
import type { Choose, Route, Routing } from '../core/routing.ts';
import { choose, type RoutingState } from '../rollouts/choose.ts';

/** Where the arms of a state lead; an error: nowhere, and why. */
export interface Arms {
  readonly candidate: Route | RequestError;
  readonly production: Route | RequestError;
  /** For those that take no part. */
  readonly plain: Route | RequestError;
}

/** Requests for production as states and their arms divide them. @param shown what production is for those who have no request */
export function divide(states: readonly RoutingState[], arms: ReadonlyMap<RoutingState, Arms>, shown: Route): Routing {
  const through: Choose = (key, segments, atMs) => {
    const { state, variant, bucket } = choose(states, key, segments, atMs);
    return { route: routeOf((arms.get(state) as Arms)[variant ?? 'plain']), bucket };
  };
  return { choose: through, production: shown };
}

/** The same as if there were no rollout, but for one that has all the traffic: there is no production beside it. */
export function divideOnLeash(
  states: readonly RoutingState[],
  arms: ReadonlyMap<RoutingState, Arms>,
  shown: Route,
): Routing {
  const without: Choose = (key, segments, atMs) => {
    const { state, variant, bucket } = choose(states, key, segments, atMs);
    const { plain, ...either } = arms.get(state) as Arms;
    if (variant !== undefined && state.weightAt(atMs) >= 100) return { route: routeOf(either[variant]), bucket };
    return { route: routeOf(plain), bucket: -1 };
  };
  return { choose: without, production: shown };
}

function routeOf(arm: Route | RequestError): Route {
  if (arm instanceof RequestError) throw arm;
  return arm;
}
