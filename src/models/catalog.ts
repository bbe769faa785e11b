import { BlobGone } from '../core/blobs.ts';
import type { Catalog, ModelSummary } from '../core/catalog.ts';
import { asError, InfrastructureError, RequestError } from '../core/errors.ts';
import type { Loader } from '../core/loader.ts';
import type { Clock, Log } from '../core/log.ts';
import type { Routing } from '../core/routing.ts';
import { createAbsences } from './absences.ts';
import { type Decision, decide, knownVersions } from './decide.ts';
import { createDiskCache } from './disk-cache.ts';
import { BrokenModel, loadVersion } from './load-version.ts';
import { createResidents, type OnLoad, type Resident } from './residents.ts';
import { productionVersion } from './resolve-version.ts';
import { createSnapshot, type Sleep } from './snapshot.ts';
import type { ModelStore, StoredVersion } from './store.ts';
import type { TriedFiles } from './tried.ts';

export interface CatalogOptions {
  readonly store: ModelStore;
  /** One a kind of model; the first that takes a card opens it. */
  readonly loaders: readonly Loader[];
  /** Undefined: files are opened untried. */
  readonly tried?: TriedFiles | undefined;
  /** How many workers hold a model that runs in them, each for itself; absent: one. */
  readonly workers?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** How the catalog waits between looks into storage; absent: with a timer. */
  readonly sleep?: Sleep;
  /** DEFAULT_MODEL */
  readonly defaultModel: string | undefined;
  /** MODEL_REFRESH_SECONDS */
  readonly refreshMs: number;
  /** MODEL_LOAD_TIMEOUT_SECONDS */
  readonly loadTimeoutMs: number;
  /** MODEL_MEMORY_MB */
  readonly memoryBytes: number;
  /** MODEL_CACHE_DIR */
  readonly cacheDir: string;
  /** MODEL_CACHE_MB */
  readonly cacheBytes: number;
  /** Told of every load that ended, for metrics. */
  readonly onLoad?: OnLoad;
}

export interface ModelCatalog extends Catalog {
  /** Looks at storage, loads the production versions, keeps looking. Never throws: what is wrong is logged, and tried again. */
  start(): Promise<void>;
  /** Looks at storage now and resolves once every route follows it (or stays, where the new version is broken). @throws InfrastructureError */
  refresh(): Promise<void>;
  /** Waits for running slices and frees everything. */
  close(): Promise<void>;
}

interface Entry {
  routing: Routing;
  resident: Resident;
}

const EAGER_LOADS_AT_ONCE = 2;
const ROUTES_PER_MODEL = 200;
const NAMES_IN_MESSAGE = 20;

/** The models of a storage container: which version answers, loaded on first use, followed as storage changes. */
export function createCatalog(options: CatalogOptions): ModelCatalog {
  const { store, clock, log } = options;
  const cache = createDiskCache({ dir: options.cacheDir, maxBytes: options.cacheBytes, store, log });
  const snapshot = createSnapshot(store, clock, log, options.sleep);
  const absences = createAbsences(clock);
  const residents = createResidents({
    load: (stored, signal) => loadVersion({ ...options, cache }, stored, signal),
    budgetBytes: options.memoryBytes,
    loadTimeoutMs: options.loadTimeoutMs,
    clock,
    log,
    onLoad: options.onLoad,
  });
  /** By model, then by what was asked for, as it was asked: what answers now. It changes only once the next one is warm. */
  const routes = new Map<string | undefined, Map<string | undefined, Entry>>();
  let timer: NodeJS.Timeout | undefined;
  let refreshing: Promise<void> | undefined;

  async function resolve(model: string | undefined, asked: string | undefined): Promise<Routing> {
    if (!snapshot.models) await snapshot.look();
    if (!isThere(model, asked)) await lookFor(model, asked);
    const name = nameOf(model);
    if (name === undefined || !snapshot.models!.has(name)) throw unknownModel(model);
    const decision = await settle(name, asked);
    if (decision.kind === 'none') {
      throw new RequestError('model_unavailable', 'route', decision.reason);
    }
    const entry = entryOf(decision, asked);
    // A stand-in is decided each time: what was asked for may be there by now.
    if (!decision.fallback) remember(model, asked, entry);
    return entry.routing;
  }

  /**
   * What is not there may just have been put there. Nothing ends as unknown but by a look that has shown it: where storage does not answer, the request waits
   * for it, unless another version stands in. @throws InfrastructureError
   */
  async function lookFor(model: string | undefined, asked: string | undefined): Promise<void> {
    const key = JSON.stringify([model, asked]);
    if (snapshot.away && isAnswered(model, asked)) return;
    const look = async () => {
      const number = await snapshot.lookAgain();
      if (!isThere(model, asked)) absences.shown(key, number);
    };
    if (absences.has(key)) {
      if (absences.isAging(key)) look().catch(() => {});
      return;
    }
    try {
      await look();
    } catch (thrown) {
      if (!isAnswered(model, asked)) throw thrown;
    }
  }

  /** Loads until a version can be used, or none can. */
  async function settle(name: string, asked: string | undefined): Promise<Exclude<Decision, { kind: 'load' }>> {
    for (let gone = 0; ; ) {
      const decision = decide(snapshot.models!, residents, name, asked);
      if (decision.kind !== 'load') return decision;
      try {
        await residents.load(decision.stored);
      } catch (thrown) {
        if (thrown instanceof BlobGone && gone++ < 2) await snapshot.look();
        else if (thrown instanceof BlobGone) throw new InfrastructureError(thrown.message, { cause: thrown });
        else if (!(thrown instanceof BrokenModel)) throw thrown;
      }
    }
  }

  function entryOf(decision: Extract<Decision, { kind: 'use' }>, asked: string | undefined): Entry {
    const { resident, fallback, instead } = decision;
    const requestedVersion = fallback ? (instead ?? asked) : undefined;
    const route = { version: resident.version, requestedVersion, fallback, variant: undefined };
    return { resident, routing: { route } };
  }

  function remember(model: string | undefined, asked: string | undefined, entry: Entry): void {
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
  }

  function nameOf(model: string | undefined): string | undefined {
    if (model !== undefined) return model;
    if (options.defaultModel !== undefined) return options.defaultModel;
    const [only, another] = snapshot.models!.keys();
    return another === undefined ? only : undefined;
  }

  /** What is asked for itself, and not what stands in for it. */
  function isThere(model: string | undefined, asked: string | undefined): boolean {
    const decision = decisionOf(model, asked);
    return decision !== undefined && decision.kind !== 'none' && !decision.fallback;
  }

  function isAnswered(model: string | undefined, asked: string | undefined): boolean {
    const decision = decisionOf(model, asked);
    return decision !== undefined && decision.kind !== 'none';
  }

  function decisionOf(model: string | undefined, asked: string | undefined): Decision | undefined {
    const name = nameOf(model);
    return name === undefined ? undefined : decide(snapshot.models!, residents, name, asked);
  }

  function unknownModel(model: string | undefined): RequestError {
    const names = [...snapshot.models!.keys()].sort();
    const more = names.length > NAMES_IN_MESSAGE ? ` and ${names.length - NAMES_IN_MESSAGE} more` : '';
    const there =
      names.length === 0 ? 'there are no models' : `there are ${names.slice(0, NAMES_IN_MESSAGE).join(', ')}${more}`;
    const said = model ?? options.defaultModel;
    const what =
      said === undefined
        ? 'the request names no model, and DEFAULT_MODEL is not set'
        : `model ${said.slice(0, 100)} is not there`;
    return new RequestError('unknown_model', 'route', `${what}; ${there}`);
  }

  /** Every route goes on with what it has until something better is warm. */
  async function follow(): Promise<void> {
    const steps = [...routes].flatMap(([model, byVersion]) =>
      [...byVersion].map(([asked, entry]) => ({ model, byVersion, asked, entry })),
    );
    await eachOf(steps, async ({ model, byVersion, asked, entry }) => {
      const name = nameOf(model);
      if (name === undefined || !snapshot.models!.has(name)) {
        byVersion.delete(asked);
        return;
      }
      const decision = await settle(name, asked);
      if (decision.kind === 'none') return;
      if (decision.fallback) byVersion.delete(asked);
      else if (decision.resident !== entry.resident) {
        byVersion.set(asked, entryOf(decision, asked));
        const { version } = entry.resident;
        if (asked === undefined)
          log.info(`${name}: ${decision.resident.version.label} takes over from ${version.label}`);
      }
    });
    for (const [model, byVersion] of routes) if (byVersion.size === 0) routes.delete(model);
    const used = new Set(
      [...routes.values()].flatMap(byVersion => [...byVersion.values()].map(({ resident }) => resident)),
    );
    residents.retain(allStored(), used);
  }

  function* allStored(): Iterable<StoredVersion> {
    for (const model of snapshot.models!.values()) yield* model.versions.values();
  }

  async function eachOf<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
    const rest = items[Symbol.iterator]();
    const worker = async () => {
      for (let next = rest.next(); !next.done; next = rest.next()) {
        await work(next.value).catch(thrown => {
          // Why a model is broken was said when its load failed.
          if (!(thrown instanceof RequestError)) log.warn(asError(thrown).message);
        });
      }
    };
    await Promise.all(Array.from({ length: EAGER_LOADS_AT_ONCE }, worker));
  }

  function refresh(): Promise<void> {
    refreshing ??= (async () => {
      await snapshot.look();
      await follow();
    })().finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  return {
    routing(model, asked) {
      const entry = routes.get(model)?.get(asked);
      if (entry?.resident.live) {
        entry.resident.lastUsedMs = clock();
        return entry.routing;
      }
      return resolve(model, asked);
    },
    async fallbackFor(version) {
      const target = version.card.fallback;
      if (!target || !snapshot.models) return undefined;
      const decision = await settle(target.model ?? version.name, target.version);
      if (decision.kind === 'none' || decision.resident.version === version) return undefined;
      return decision.resident.version;
    },
    async list() {
      if (!snapshot.models) await snapshot.look();
      const loaded = residents.loaded();
      return [...snapshot.models!.values()].map((model): ModelSummary => {
        const known = knownVersions(model);
        return {
          name: model.name,
          versions: known.versions,
          aliases: Object.fromEntries(known.aliases),
          production: productionVersion(known),
          loaded: loaded.get(model.name) ?? [],
        };
      });
    },
    async start() {
      let away = false;
      timer = setInterval(() => {
        refresh().then(
          () => {
            if (away) log.info('model storage is back');
            away = false;
          },
          thrown => {
            if (!away) log.warn(`${asError(thrown).message}; going on with what is loaded`);
            away = true;
          },
        );
      }, options.refreshMs);
      timer.unref();
      try {
        await snapshot.look();
      } catch (thrown) {
        log.warn(`${asError(thrown).message}; models are looked for again on first use`);
        return;
      }
      await eachOf(snapshot.models!.keys(), async name => {
        await resolve(name, undefined);
      });
    },
    refresh,
    async close() {
      clearInterval(timer);
      await refreshing?.catch(() => {});
      await residents.close();
    },
  };
}
