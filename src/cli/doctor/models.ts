import type { Settings } from '../../config/settings.ts';
import type { ModelSummary } from '../../core/catalog.ts';
import { asError, RequestError } from '../../core/errors.ts';
import type { ModelCatalog } from '../../models/catalog.ts';
import { duration } from '../duration.ts';
import { openStore } from '../model-room.ts';
import { withCatalog } from '../with-catalog.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

/** Loads the production version of every model as the app does, and warms it up. */
export function checkModels(settings: Settings): Check {
  return {
    name: 'models',
    async run(signal) {
      const errors: string[] = [];
      const log = { info() {}, warn() {}, error: (message: string) => void errors.push(message) };
      const store = await openStore(settings);
      return withCatalog(settings, store, { log, signal }, async catalog => {
        const models = await catalog.list();
        const findings = [...judgeNames(models, settings)];
        for (const model of models) {
          signal.throwIfAborted();
          findings.push(await judgeModel(catalog, model, errors));
        }
        return findings;
      });
    },
  };
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
    const { version, fallback } = routing.route ?? routing.production;
    if (fallback || errors.length > before) {
      return fail(`${model.name}: production does not load, ${version.label} answers instead: ${reason()}`, fix);
    }
    const { placement, warmUpMs } = version.backend.info;
    return ok(`${model.name} ${version.label} loads: ${placement}, ${duration(warmUpMs)} a slice`);
  } catch (thrown) {
    if (thrown instanceof RequestError) return fail(`${model.name}: ${thrown.message}`, fix);
    return fail(`${model.name}: ${asError(thrown).message}`, 'Look at the message; storage may be away.');
  }
}
