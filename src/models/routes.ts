import type { Routing } from '../core/routing.ts';
import type { Decision } from './decide.ts';
import type { Resident } from './resident.ts';

/** What answers now where a model and a version are asked for. */
export interface Entry {
  readonly routing: Routing;
  readonly resident: Resident;
  askedMs: number;
}

export function entryOf(
  { resident, fallback, instead }: Extract<Decision, { kind: 'use' }>,
  asked: string | undefined,
  nowMs: number,
): Entry {
  const requestedVersion = fallback ? (instead ?? asked) : undefined;
  const route = { version: resident.version, requestedVersion, fallback, variant: undefined };
  return { resident, routing: { route }, askedMs: nowMs };
}

export interface Step {
  readonly model: string | undefined;
  readonly asked: string | undefined;
  readonly entry: Entry;
}

/** What was found to answer, by model, then by what was asked for, as it was asked. */
export interface Routes {
  get(model: string | undefined, asked: string | undefined): Entry | undefined;
  set(model: string | undefined, asked: string | undefined, entry: Entry): void;
  delete(model: string | undefined, asked: string | undefined): void;
  all(): Step[];
}

/** What is asked for comes from producers. */
const ROUTES_PER_MODEL = 200;

export function createRoutes(): Routes {
  const routes = new Map<string | undefined, Map<string | undefined, Entry>>();
  return {
    get: (model, asked) => routes.get(model)?.get(asked),
    set(model, asked, entry) {
      let byVersion = routes.get(model);
      if (!byVersion) {
        byVersion = new Map();
        routes.set(model, byVersion);
      }
      byVersion.set(asked, entry);
      if (byVersion.size <= ROUTES_PER_MODEL) return;
      for (const other of byVersion.keys()) {
        if (other === undefined) continue;
        byVersion.delete(other);
        return;
      }
    },
    delete(model, asked) {
      const byVersion = routes.get(model);
      byVersion?.delete(asked);
      if (byVersion?.size === 0) routes.delete(model);
    },
    all() {
      return [...routes].flatMap(([model, byVersion]) =>
        [...byVersion].map(([asked, entry]) => ({ model, asked, entry })),
      );
    },
  };
}
