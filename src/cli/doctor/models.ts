import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../../config/settings.ts';
import type { ModelSummary } from '../../core/catalog.ts';
import { asError, RequestError } from '../../core/errors.ts';
import type { Loader } from '../../core/loader.ts';
import { onceAborted } from '../../core/waiting.ts';
import { type CatalogOptions, createCatalog, type ModelCatalog } from '../../models/catalog.ts';
import { createTriedFiles } from '../../models/tried.ts';
import { openStore, withLoaders } from '../model-room.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

const MIB = 1024 * 1024;

/** Loads the production version of every model as the app does, and warms it up. */
export function checkModels(settings: Settings): Check {
  return {
    name: 'models',
    async run(signal) {
      const errors: string[] = [];
      const log = { info() {}, warn() {}, error: (message: string) => void errors.push(message) };
      const cacheDir = await mkdtemp(join(tmpdir(), 'hubscore-doctor-'));
      async function judge(loaders: readonly Loader[]): Promise<Finding[]> {
        const { createTrial } = await import('../../app/create-trial.ts');
        // Each is tried anew: that is what a doctor is asked for.
        const tried = createTriedFiles({ trial: createTrial(settings), dir: cacheDir, clock: Date.now, log });
        const stop = onceAborted(signal, tried.close);
        const catalog = catalogFor(settings, { store: await openStore(settings), loaders, tried, cacheDir, log });
        try {
          const models = await catalog.list();
          const findings = [...judgeNames(models, settings)];
          for (const model of models) {
            signal.throwIfAborted();
            findings.push(await judgeModel(catalog, model, errors));
          }
          return findings;
        } finally {
          stop();
          tried.close();
          await catalog.close();
        }
      }
      try {
        return await withLoaders(settings, judge, log);
      } finally {
        await rm(cacheDir, { recursive: true, force: true });
      }
    },
  };
}

function catalogFor(
  settings: Settings,
  parts: Pick<CatalogOptions, 'store' | 'loaders' | 'tried' | 'cacheDir' | 'log'>,
): ModelCatalog {
  return createCatalog({
    ...parts,
    clock: Date.now,
    defaultModel: settings.DEFAULT_MODEL,
    refreshMs: settings.MODEL_REFRESH_SECONDS * 1000,
    loadTimeoutMs: settings.MODEL_LOAD_TIMEOUT_SECONDS * 1000,
    memoryBytes: settings.MODEL_MEMORY_MB * MIB,
    cacheBytes: settings.MODEL_CACHE_MB * MIB,
  });
}

function judgeNames(models: readonly ModelSummary[], { DEFAULT_MODEL }: Settings): Finding[] {
  if (models.length === 0) return [warn('there are no models', 'Push one: `npx hubscore models push model.onnx`.')];
  if (DEFAULT_MODEL === undefined || models.some(({ name }) => name === DEFAULT_MODEL)) return [];
  const names = models.map(({ name }) => name).join(', ');
  return [fail(`DEFAULT_MODEL is ${DEFAULT_MODEL}, which is not there`, `Set it to one of ${names}, or leave it out.`)];
}

async function judgeModel(catalog: ModelCatalog, model: ModelSummary, errors: string[]): Promise<Finding> {
  const before = errors.length;
  const reason = () => errors.slice(before).join('; ');
  const fix = `Mend or remove that version, or point production in ${model.name}/deployment.json at one that loads.`;
  try {
    const routing = await catalog.routing(model.name, undefined);
    const { version, fallback } = routing.route ?? routing.choose(model.name, [], 0);
    if (fallback || errors.length > before) {
      return fail(`${model.name}: production does not load, ${version.label} answers instead: ${reason()}`, fix);
    }
    const { placement, warmUpMs } = version.backend.info;
    return ok(`${model.name} ${version.label} loads: ${placement}, ${warmUpMs.toFixed(2)} ms a slice`);
  } catch (thrown) {
    if (thrown instanceof RequestError) return fail(`${model.name}: ${thrown.message}`, fix);
    return fail(`${model.name}: ${asError(thrown).message}`, 'Look at the message; storage may be away.');
  }
}
