import type { Settings } from '../config/settings.ts';
import type { Log } from '../core/log.ts';
import { onceAborted } from '../core/waiting.ts';
import { createCatalog, type ModelCatalog } from '../models/catalog.ts';
import type { ModelStore } from '../models/store.ts';
import { createTriedFiles } from '../models/tried.ts';
import { withLoaders } from './model-room.ts';
import { withScratch } from './scratch.ts';

const MIB = 1024 * 1024;

/** The models as the app serves them, from a temporary copy, for as long as `work` takes. */
export function withCatalog<T>(
  settings: Settings,
  store: ModelStore,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
  work: (catalog: ModelCatalog) => Promise<T>,
): Promise<T> {
  return withScratch(settings, 'catalog', cacheDir =>
    withLoaders(
      settings,
      async loaders => {
        const { createTrial } = await import('../app/create-trial.ts');
        // Each is tried anew: what was found before is not asked.
        const tried = createTriedFiles({ trial: createTrial(settings), dir: cacheDir, clock: Date.now, log });
        const stop = onceAborted(signal, tried.close);
        const catalog = createCatalog({
          store,
          loaders,
          tried,
          clock: Date.now,
          log,
          defaultModel: settings.DEFAULT_MODEL,
          refreshMs: settings.MODEL_REFRESH_SECONDS * 1000,
          loadTimeoutMs: settings.MODEL_LOAD_TIMEOUT_SECONDS * 1000,
          memoryBytes: settings.MODEL_MEMORY_MB * MIB,
          cacheDir,
          cacheBytes: settings.MODEL_CACHE_MB * MIB,
        });
        try {
          return await work(catalog);
        } finally {
          stop();
          tried.close();
          await catalog.close();
        }
      },
      log,
    ),
  );
}
