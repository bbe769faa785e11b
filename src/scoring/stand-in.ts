import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Catalog, ModelVersion, Route } from '../core/model.ts';
import type { Ending } from '../core/outcome.ts';
import type { Request } from '../core/request.ts';
import { endingsOf } from './interpret-chunk.ts';
import { type Group, Run } from './run.ts';
import { stagesOf } from './stages.ts';

/** Where the model itself failed on requests of a group: its card's fallback answers them, else the card's default; else their dead letters stay. */
export async function standIn(
  { version, places }: Group,
  run: Run,
  catalog: Catalog,
  log: Log,
  answer: (group: Group, run: Run) => Promise<void>,
): Promise<void> {
  const failed = places.filter(place => failedByModel(run.endings[place]));
  if (failed.length === 0) return;
  const fallback = await fallbackOf(version, catalog, log);
  if (fallback !== undefined) await answerInstead(failed, fallback, run, answer);
  for (const place of failed) {
    if (failedByModel(run.endings[place])) answerByDefault(place, version, run);
  }
}

function failedByModel(ending: Ending | undefined): boolean {
  return ending?.kind === 'refused' && ['inference_failed', 'model_unavailable'].includes(ending.error.code);
}

async function fallbackOf(version: ModelVersion, catalog: Catalog, log: Log): Promise<ModelVersion | undefined> {
  if (version.card.fallback === undefined) return undefined;
  try {
    return await catalog.fallbackFor(version);
  } catch (thrown) {
    log.warn(`fallback of ${version.name} ${version.version}: ${asError(thrown).message}`);
    return undefined;
  }
}

/** A request that the fallback cannot answer either keeps the first version's error. */
async function answerInstead(
  failed: number[],
  fallback: ModelVersion,
  run: Run,
  answer: (group: Group, run: Run) => Promise<void>,
): Promise<void> {
  const attempt = new Run(run.requests, run.clock, run.signal);
  for (const place of failed) {
    const { version, variant } = run.routes[place] as Route;
    const requestedVersion = run.requests[place]?.modelVersion ?? version.version;
    attempt.routes[place] = { version: fallback, requestedVersion, fallback: true, variant };
  }
  await answer({ version: fallback, places: failed }, attempt);
  run.slices.push(...attempt.slices);
  const endings = endingsOf(attempt);
  for (const place of failed) {
    const ending = endings[place];
    if (ending?.kind === 'answered') run.endings[place] = ending;
  }
}

function answerByDefault(place: number, version: ModelVersion, run: Run): void {
  const { default: given } = version.card;
  if (given === undefined) return;
  const { from, to, several } = stagesOf(version)
    .encoder.begin(1)
    .add((run.requests[place] as Request).features);
  const predictions = new Array(to - from).fill(given);
  run.answer(place, version, {
    predictions,
    several,
    modelMs: 0,
    scoredAtMs: run.clock(),
    degraded: true,
    cached: false,
  });
}
