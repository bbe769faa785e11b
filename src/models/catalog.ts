import type { Catalog, ModelSummary } from '../core/catalog.ts';
import { asError } from '../core/errors.ts';
import type { InputMapping, InputSource } from '../core/input.ts';
import type { Loader } from '../core/loader.ts';
import type { Clock, Log } from '../core/log.ts';
import type { Routing } from '../core/routing.ts';
import { someAtOnce } from '../core/some-at-once.ts';
import { createAbsences } from './absences.ts';
import { createChecks } from './checks.ts';
import { knownVersions } from './decide.ts';
import { createDeployments } from './deployments.ts';
import { createDiskCache } from './disk-cache.ts';
import { createFollow, LOAD_PLACE_MS, LOADS_AT_ONCE } from './follow.ts';
import { createKeptDeployments } from './kept-deployments.ts';
import { loadVersion } from './load-version.ts';
import { createMembers, type OpenMember } from './members.ts';
import { createPatience } from './patience.ts';
import { createResidents, type OnLoad } from './residents.ts';
import { asksForProduction, productionVersion } from './resolve-version.ts';
import { createResolver } from './resolver.ts';
import { createRolloutRoutes } from './rollout-routes.ts';
import { createRoutes, entryOf } from './routes.ts';
import { sayUnlessSaid } from './say-unless-said.ts';
import { createSnapshot, type Sleep } from './snapshot.ts';
import type { ModelStore } from './store.ts';
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
  /** DEPLOYMENT_CHECK_SECONDS; absent: deployments are read as often as storage is listed. */
  readonly checkMs?: number;
  /** MODEL_LOAD_TIMEOUT_SECONDS */
  readonly loadTimeoutMs: number;
  /** MODEL_WAIT_SECONDS; 0 or absent: requests wait for ever. */
  readonly waitMs?: number;
  /** MODEL_MEMORY_MB */
  readonly memoryBytes: number;
  /** MODEL_CACHE_DIR */
  readonly cacheDir: string;
  /** Which storage it is, for what is remembered of it in that folder, which catalogs of others may share. */
  readonly storage?: string;
  /** MODEL_CACHE_MB */
  readonly cacheBytes: number;
  /** Told of every load that ended, for metrics. */
  readonly onLoad?: OnLoad;
}

export interface ModelCatalog extends Catalog, InputSource {
  /** Looks at storage, loads the production versions, keeps looking. Never throws: what is wrong is logged, and tried again. */
  start(): Promise<void>;
  /** Looks at storage now and resolves once every route follows it (or stays, where the new version is broken). @throws InfrastructureError */
  refresh(): Promise<void>;
  /** A version that an ensemble has pinned. @throws Misfit where it is an ensemble; Error */
  readonly member: OpenMember;
  /** Waits for running slices and frees everything. */
  close(): Promise<void>;
}

/** The models of a storage container: which version answers, loaded on first use, followed as storage changes. */
export function createCatalog(options: CatalogOptions): ModelCatalog {
  const { store, clock, log, cacheDir: dir, defaultModel } = options;
  const inUse = () => residents.inUse();
  const cache = createDiskCache({ dir, maxBytes: options.cacheBytes, store, log, inUse });
  const kept = createKeptDeployments(dir, options.storage ?? '');
  const deployments = createDeployments(store, kept, clock, log);
  const snapshot = createSnapshot(store, deployments, clock, log, options.sleep);
  const residents = createResidents({
    load: (stored, signal, onBrought) => loadVersion({ ...options, cache }, stored, signal, onBrought),
    isAway: () =>
      snapshot.look().then(
        () => false,
        () => true,
      ),
    budgetBytes: options.memoryBytes,
    loadTimeoutMs: options.loadTimeoutMs,
    clock,
    log,
    onLoad: options.onLoad,
  });
  const resolver = createResolver({ snapshot, residents, absences: createAbsences(clock), defaultModel });
  const patience = createPatience({ waitMs: options.waitMs ?? 0, seenMs: () => snapshot.seenMs, clock });
  const routes = createRoutes();
  const { checkedMs } = deployments;
  const rollouts = createRolloutRoutes({ snapshot, resolver, checkedMs, clock, log });
  const follow = createFollow({ snapshot, residents, routes, resolver, rollouts, clock, log });
  const checks = createChecks({
    snapshot,
    deployments,
    everyMs: options.checkMs ?? Number.POSITIVE_INFINITY,
    clock,
    onChange: async name => {
      await rollouts.announce(name).catch(sayUnlessSaid(log));
      await follow.deployment(name);
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const refreshes = new Set<Promise<void>>();

  /** Undefined where no rollout divides the requests for a model's production, or storage was not seen yet. */
  function byRollout(model: string | undefined): Routing | Promise<Routing> | undefined {
    const name = snapshot.models && resolver.nameOf(model);
    if (name === undefined) return undefined;
    checks.use(name);
    return rollouts.routing(name);
  }

  async function resolve(model: string | undefined, asked: string | undefined): Promise<Routing> {
    if (!snapshot.models) await snapshot.look();
    const divided = asksForProduction(asked) ? await byRollout(model) : undefined;
    if (divided !== undefined) return divided;
    const decision = await resolver.resolve(model, asked);
    const entry = entryOf(decision, asked, clock());
    entry.resident.superseded = false;
    // A stand-in is decided each time: what was asked for may be there by now.
    if (!decision.fallback) routes.set(model, asked, entry);
    return entry.routing;
  }

  /** Without a name and without a default it is not known whose card would say. */
  function inputOf(model: string | undefined, asked: string | undefined) {
    if (resolver.nameOf(model) === undefined) return undefined;
    const entry = routes.get(model, asked);
    return entry?.resident.live ? inputIn(entry.routing) : resolve(model, asked).then(inputIn);
  }

  /** Of a rollout's versions production's: which one it goes to may stand in what is still to be read. */
  function inputIn({ route, production }: Routing): InputMapping | undefined {
    return (route ?? production).version.card.input;
  }

  /** A version that hangs while it is loaded holds up this look, and none that comes after. */
  function refresh(): Promise<void> {
    const work = snapshot.look().then(follow.all);
    const ended = work.catch(() => {}).finally(() => refreshes.delete(ended));
    refreshes.add(ended);
    return work;
  }

  return {
    routing(model, asked) {
      if (asksForProduction(asked)) {
        const routing = byRollout(model);
        if (routing !== undefined) {
          return routing instanceof Promise ? patience.wait(JSON.stringify([model, asked]), routing) : routing;
        }
      }
      const entry = routes.get(model, asked);
      if (entry?.resident.live) {
        entry.askedMs = entry.resident.lastUsedMs = clock();
        return entry.routing;
      }
      return patience.wait(JSON.stringify([model, asked]), resolve(model, asked));
    },
    current: checks.due,
    inputOf(model, asked) {
      if (!snapshot.models) return snapshot.look().then(() => inputOf(model, asked));
      return inputOf(model, asked);
    },
    async fallbackFor(version) {
      const target = version.card.fallback;
      if (!target || !snapshot.models) return undefined;
      const [name, asked] = [target.model ?? version.name, target.version];
      const decision = await patience.wait(JSON.stringify([name, asked]), resolver.settle(name, asked));
      if (decision.kind === 'none' || decision.resident.version === version) return undefined;
      return decision.resident.version;
    },
    get failure() {
      return snapshot.failure;
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
          production: model.deployed.deployment && productionVersion(known),
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
      const load = async (name: string) => {
        if (!residents.isCrowded) await resolve(name, undefined).catch(sayUnlessSaid(log));
      };
      await someAtOnce(snapshot.models!.keys(), LOADS_AT_ONCE, load, LOAD_PLACE_MS);
    },
    refresh,
    member: createMembers({ snapshot, residents, store }),
    async close() {
      options.tried?.close();
      clearInterval(timer);
      await residents.close();
      await Promise.all(refreshes);
    },
  };
}
