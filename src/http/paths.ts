import { type HttpReply, problem } from './http.ts';
import { type HttpRoute, ROUTES, type RouteName } from './routes.ts';

/** What the host is told of: it asks for each path once, whatever the method. */
export interface HttpPath {
  /** The function's name: that of its one route, or a word for what its routes have in common. */
  readonly name: string;
  readonly route: string;
  readonly open: boolean;
  readonly routes: Readonly<Partial<Record<string, RouteName>>>;
}

/** Those that a client may send, and a request in Node may have. The host answers 404 where a function does not name a method. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

const SHARED: Readonly<Record<string, string>> = { 'batch/jobs': 'batch-jobs', 'batch/jobs/{id}': 'batch-job' };

/** All paths, a function each. */
export const PATHS: readonly HttpPath[] = (() => {
  const byRoute = new Map<string, [RouteName, HttpRoute][]>();
  for (const [name, route] of Object.entries(ROUTES) as [RouteName, HttpRoute][]) {
    byRoute.set(route.route, [...(byRoute.get(route.route) ?? []), [name, route]]);
  }
  return [...byRoute].map(([route, all]) => ({
    name: SHARED[route] ?? (all[0] as [RouteName, HttpRoute])[0],
    route,
    open: all.every(([, { open }]) => open),
    routes: Object.fromEntries(all.map(([name, { method }]) => [method, name])),
  }));
})();

/** Which route a request takes by its method, or the answer where there is none for it (RFC 9110, 15.5.6); HEAD asks what GET does. */
export function routeFor({ routes }: HttpPath, method: string): RouteName | HttpReply {
  const found = routes[method === 'HEAD' ? 'GET' : method];
  if (found !== undefined) return found;
  const allowed = Object.keys(routes).flatMap(name => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
  return problem(405, `${method} is not allowed here; ${allowed.join(', ')} is`, { allow: allowed.join(', ') });
}

/** An answer to HEAD has no body. */
export function withoutBody(reply: HttpReply): HttpReply {
  return { ...reply, body: '' };
}
