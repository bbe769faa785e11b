/** One path that a function answers, in the order in which routes are tried. */
export interface Route {
  readonly functionName: string;
  /** Upper case. */
  readonly methods: readonly string[];
  readonly template: string;
  readonly segments: readonly Segment[];
}

type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'parameter';
      readonly name: string;
      readonly constraint: RegExp | undefined;
      readonly optional: boolean;
    }
  /** A parameter between texts, `{name}:predict`. */
  | { readonly kind: 'mixed'; readonly name: string; readonly before: string; readonly after: string }
  | { readonly kind: 'rest'; readonly name: string };

const CONSTRAINTS: Record<string, RegExp> = {
  int: /^-?\d+$/,
  long: /^-?\d+$/,
  bool: /^(true|false)$/i,
  guid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  alpha: /^[a-z]*$/i,
  double: /^-?\d+(\.\d+)?$/,
};

/** A route template as Functions takes it: `v2/models/{name}/versions/{version:int}/{part?}` or `files/{*path}`, below host.json's prefix. */
export function parseRoute(functionName: string, template: string, methods: readonly string[], prefix: string): Route {
  const path = [prefix, template]
    .map(part => part.replace(/^\/+|\/+$/g, ''))
    .filter(Boolean)
    .join('/');
  const segments = path
    .split('/')
    .filter(Boolean)
    .map((text): Segment => {
      const match = /^\{(\*{0,2})([^}:?]+)(?::([a-z]+)[^}?]*)?(\?)?\}$/i.exec(text);
      const mixed = match ? null : /^([^{}]*)\{([^}:?*]+)\}([^{}]*)$/.exec(text);
      if (mixed) {
        const [, before = '', name = '', after = ''] = mixed;
        return { kind: 'mixed', name, before: before.toLowerCase(), after: after.toLowerCase() };
      }
      if (!match) return { kind: 'literal', text: text.toLowerCase() };
      const [, star, name = '', constraint, optional] = match;
      if (star) return { kind: 'rest', name };
      return { kind: 'parameter', name, constraint: CONSTRAINTS[constraint ?? ''], optional: optional !== undefined };
    });
  return { functionName, methods: methods.map(method => method.toUpperCase()), template: path, segments };
}

/** Literal segments before parameters before the rest, from the left: the more particular route is tried first. */
export function orderRoutes(routes: readonly Route[]): Route[] {
  const rank = { literal: 0, mixed: 1, parameter: 2, rest: 3 };
  return [...routes].sort((a, b) => {
    for (let i = 0; i < Math.max(a.segments.length, b.segments.length); i++) {
      const [left, right] = [a.segments[i], b.segments[i]];
      const difference = (left ? rank[left.kind] : -1) - (right ? rank[right.kind] : -1);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

export interface RouteMatch {
  readonly route: Route;
  readonly parameters: Record<string, string>;
}

/** The first route that takes path and method; undefined (404, also for a wrong method, as in the real host) where none does. */
export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch | undefined {
  for (const route of routes) {
    const parameters = route.methods.includes(method) ? matchSegments(route.segments, path) : undefined;
    if (parameters) return { route, parameters };
  }
  return undefined;
}

function matchSegments(segments: readonly Segment[], path: string): Record<string, string> | undefined {
  const parts = path.split('/').filter(Boolean).map(decode);
  const parameters: Record<string, string> = {};
  for (const [i, segment] of segments.entries()) {
    if (segment.kind === 'rest') {
      if (parts.length > i) parameters[segment.name] = parts.slice(i).join('/'); // left out where there is none
      return parameters;
    }
    const part = parts[i];
    if (segment.kind === 'literal') {
      if (part?.toLowerCase() !== segment.text) return undefined;
    } else if (segment.kind === 'mixed') {
      const value = part && between(part, segment.before, segment.after);
      if (!value) return undefined;
      parameters[segment.name] = value;
    } else if (part === undefined) {
      if (!segment.optional) return undefined;
    } else {
      if (segment.constraint && !segment.constraint.test(part)) return undefined;
      parameters[segment.name] = part;
    }
  }
  return parts.length <= segments.length ? parameters : undefined;
}

function between(part: string, before: string, after: string): string | undefined {
  const lower = part.toLowerCase();
  const fits = lower.startsWith(before) && lower.endsWith(after) && part.length > before.length + after.length;
  return fits ? part.slice(before.length, part.length - after.length) : undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
