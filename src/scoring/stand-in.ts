import type { Catalog } from '../core/catalog.ts';
import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ModelVersion } from '../core/model.ts';
import { GeneralAnswers } from './answers/answer-columns.ts';
import { Group, type Way } from './group.ts';
import { refuseFailed } from './infer/infer-group.ts';
import { fillRows } from './rows/fill-rows.ts';
import { NO_ROW, type Run } from './run.ts';
import { failedPacks, standInForRows } from './stand-in-for-rows.ts';

/** Where the model itself failed on requests of a group: its card's fallback answers them, else the card's default; else their dead letters stay. */
export async function standIn(
  group: Group,
  run: Run,
  catalog: Catalog,
  log: Log,
  infer: (group: Group) => Promise<void>,
): Promise<void> {
  const places = failedPlaces(group, run);
  const packs = failedPacks(group, run);
  if (places.length === 0 && packs.length === 0) return;
  const fallback = await fallbackOf(group.version, catalog, log);
  const left = fallback === undefined ? places : await answerInstead(places, fallback, run, infer);
  for (const place of left) answerByDefault(place, group, run);
  if (packs.length > 0) await standInForRows(packs, group, run, fallback, infer);
}

function failedPlaces(group: Group, run: Run): number[] {
  const places: number[] = [];
  for (const [place, { error }] of run.refusals) {
    if (run.ways[place]?.group !== group) continue;
    if (error.code === 'inference_failed' || error.code === 'model_unavailable') places.push(place);
  }
  return places.sort((one, other) => one - other);
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

/** A request that the fallback cannot answer either keeps the first version's error; gives those. */
async function answerInstead(
  places: readonly number[],
  fallback: ModelVersion,
  run: Run,
  infer: (group: Group) => Promise<void>,
): Promise<number[]> {
  const group = new Group(fallback, places.length);
  const before = places.map(place => ({
    way: run.ways[place] as Way,
    refusal: run.refusals.get(place),
    firstRow: run.firstRow(place),
    listed: run.listed(place),
  }));
  places.forEach((place, i) => {
    const { version, variant, rollout } = (before[i] as (typeof before)[number]).way.route;
    const requestedVersion = run.request(place).modelVersion ?? version.version;
    run.ways[place] = group.wayOf({ version: fallback, requestedVersion, fallback: true, variant, rollout });
    run.refusals.delete(place);
    run.moveTo(place, NO_ROW);
  });
  fillRows(group, places, run);
  await infer(group);
  refuseFailed(group, run);
  return places.filter((place, i) => {
    const { way, refusal, firstRow, listed } = before[i] as (typeof before)[number];
    if (!run.refusals.has(place)) return false;
    run.ways[place] = way;
    if (refusal !== undefined) run.refusals.set(place, refusal);
    run.moveTo(place, firstRow);
    run.list(place, listed);
    run.forgetGaps(place);
    return true;
  });
}

function answerByDefault(place: number, { version, failed }: Group, run: Run): void {
  const { default: given } = version.card;
  if (given === undefined || failed.size === 0 || run.firstRow(place) === NO_ROW) return;
  const stand = new Group(version, 0);
  const { route } = run.ways[place] as Way;
  const rows = Math.max(1, run.listed(place));
  const answers = new GeneralAnswers(() => given, stand.plan.writeAnswer);
  stand.answers.add({ from: 0, to: rows, at: 0, answers, computeMs: 0, scoredAtMs: run.clock(), cached: false });
  run.ways[place] = stand.wayOf(route, true);
  run.moveTo(place, 0);
  run.refusals.delete(place);
}
