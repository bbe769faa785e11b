import { availableParallelism } from 'node:os';
import { createOnnxBackends } from '../backends/onnx/backends.ts';
import type { Settings } from '../config/settings.ts';
import type { ModelCatalog } from '../models/catalog.ts';
import { openCatalog } from '../models/open-catalog.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Lifetime } from './parts.ts';
import type { World } from './world.ts';

/** The models of the storage account, which begin to load. @throws ConfigurationError where no account is named. */
export function openModels(
  settings: Settings,
  { telemetry, clock, log }: World & { readonly telemetry: Telemetry },
  lifetime: Lifetime,
): ModelCatalog {
  const backends = createOnnxBackends({
    threads: settings.WORKER_THREADS ?? Math.max(1, availableParallelism() - 1),
    inlineMaxMs: settings.INLINE_MAX_MS,
    workerMinMs: settings.WORKER_MIN_MS,
    log,
  });
  lifetime.free(backends.close);
  const onLoad = telemetry.recordModelLoad;
  const { catalog, breaker } = openCatalog(settings, { openBackend: backends.open, clock, log, onLoad });
  lifetime.free(catalog.close);
  telemetry.observe({ models: catalog.list, breakers: () => ({ storage: breaker.state }) });
  void catalog.start();
  return catalog;
}
