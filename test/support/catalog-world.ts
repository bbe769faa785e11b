import { createEnsembleLoader } from '../../src/backends/ensemble/ensemble-loader.ts';
import { createOnnxLoader } from '../../src/backends/onnx/onnx-loader.ts';
import type { Loader, LoadSource } from '../../src/core/loader.ts';
import type { Route } from '../../src/core/routing.ts';
import { type CatalogOptions, createCatalog, type ModelCatalog } from '../../src/models/catalog.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';
import { floats, type Notes, notes, temporaryFolder } from './models.ts';
import { regressor } from './onnx.ts';

/** A catalog of models in memory that real files are opened from, with a clock that stands still. */
export interface CatalogWorld {
  readonly store: MemoryStore;
  readonly log: Notes;
  readonly folder: string;
  nowMs: number;
  /** Titles of the files that were opened. */
  readonly loads: string[];
  readonly catalog: ModelCatalog;
  /** Another start with the same storage, folder and log. */
  start(change?: Partial<CatalogOptions>): Promise<void>;
  /** `m/1.0.0`: a regressor whose answer to [1, 1] is the sum of its weights. */
  put(path: string, weights?: readonly [number, number]): void;
  route(model?: string, asked?: string): Promise<Route>;
  version(model?: string, asked?: string): Promise<string>;
  answer(model?: string, asked?: string): Promise<unknown>;
  /** Names and labels without their suffix. */
  loaded(): Promise<string[]>;
  close(): Promise<void>;
}

const onnx = createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log: notes() });

export function catalogWorld(): CatalogWorld {
  const folder = temporaryFolder();
  const [store, log] = [memoryStore(), notes()];
  const loads: string[] = [];
  const loader: Loader = {
    ...onnx,
    open(source: LoadSource) {
      loads.push(source.title);
      return onnx.open(source);
    },
  };
  const ensembles = createEnsembleLoader({ member: pin => world.catalog.member(pin), log, retryMs: 0 });
  const create = (change: Partial<CatalogOptions> = {}) =>
    createCatalog({
      store,
      loaders: [ensembles, loader],
      clock: () => world.nowMs,
      log,
      sleep: async ms => {
        world.nowMs += ms;
      },
      defaultModel: undefined,
      refreshMs: 3_600_000,
      loadTimeoutMs: 10_000,
      memoryBytes: 1e9,
      cacheDir: folder.path,
      cacheBytes: 1e9,
      ...change,
    });
  let catalog: ModelCatalog | undefined;
  const world: CatalogWorld = {
    store,
    log,
    folder: folder.path,
    nowMs: 1_000_000,
    loads,
    get catalog() {
      catalog ??= create();
      return catalog;
    },
    async start(change) {
      await catalog?.close();
      catalog = create(change);
    },
    put: (path, weights = [1, 2]) => store.put(`${path}/model.onnx`, regressor([...weights])),
    route: async (model, asked) => (await world.catalog.routing(model, asked)).route as Route,
    version: async (model, asked) => (await world.route(model, asked)).version.version,
    async answer(model, asked) {
      const { version } = await world.route(model, asked);
      return (await version.backend.predict({ x: floats([1, 2], 1, 1) })).variable?.data[0];
    },
    async loaded() {
      const models = await world.catalog.list();
      return models.flatMap(({ name, loaded }) => loaded.map(label => `${name}/${label.split('+')[0]}`)).sort();
    },
    async close() {
      await catalog?.close();
      folder.remove();
    },
  };
  return world;
}
