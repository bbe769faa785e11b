import { RequestError } from '../core/errors.ts';
import type { ModelVersion } from '../core/model.ts';
import { GeneralAnswers } from './answers/answer-columns.ts';
import type { Gaps } from './gaps.ts';
import { Group, type Way } from './group.ts';
import type { Run } from './run.ts';

type Pack = readonly [place: number, gaps: Gaps];

/** Packs of a group of which the model failed on some rows, and which skip those. */
export function failedPacks(group: Group, run: Run): readonly Pack[] {
  if (group.failed.size === 0) return [];
  return run.gappy.filter(
    ([place, gaps]) => run.ways[place]?.group === group && !run.refusals.has(place) && gaps.failed().length > 0,
  );
}

/** What stands in for a whole request does so for a row of a pack: the card's fallback answers it, else the card's default. */
export async function standInForRows(
  packs: readonly Pack[],
  { version }: Group,
  run: Run,
  fallback: ModelVersion | undefined,
  infer: (group: Group) => Promise<void>,
): Promise<void> {
  if (fallback !== undefined) await answerRows(packs, fallback, run, infer);
  const { default: given } = version.card;
  if (given === undefined) return;
  const stand = new Group(version, 0);
  const answers = new GeneralAnswers(() => given, stand.plan.writeAnswer);
  let row = 0;
  for (const [place, gaps] of packs) {
    const way = stand.wayOf((run.ways[place] as Way).route, true);
    for (const [index] of gaps.failed()) gaps.standIn(index, { way, row: row++ });
  }
  if (row === 0) return;
  stand.answers.add({ from: 0, to: row, at: 0, answers, computeMs: 0, scoredAtMs: run.clock(), cached: false });
}

async function answerRows(
  packs: readonly Pack[],
  fallback: ModelVersion,
  run: Run,
  infer: (group: Group) => Promise<void>,
): Promise<void> {
  const group = new Group(fallback, 0);
  const { scannedRows: rows } = group;
  if (rows === undefined) return; // it cannot serve
  const places: number[] = [];
  const found: { readonly gaps: Gaps; readonly index: number; readonly way: Way; readonly row: number }[] = [];
  for (const [place, gaps] of packs) {
    const { features, ids, modelVersion } = run.request(place);
    const { route } = run.ways[place] as Way;
    const requestedVersion = modelVersion ?? route.version.version;
    const way = group.wayOf({
      version: fallback,
      requestedVersion,
      fallback: true,
      variant: route.variant,
      rollout: route.rollout,
    });
    const instances = orNothing(() => group.plan.encoder.instancesOf(features, ids).instances) ?? [];
    for (const [index] of gaps.failed()) {
      const row = orNothing(() => rows.addInstance(instances[index]));
      if (row === undefined) continue;
      found.push({ gaps, index, way, row });
      places.push(place);
    }
  }
  run.lead(group, places);
  await infer(group);
  for (const { gaps, index, way, row } of found) {
    if (group.answers.find(row) !== undefined) gaps.standIn(index, { way, row });
  }
}

/** Undefined where the fallback cannot take it. */
function orNothing<T>(add: () => T): T | undefined {
  try {
    return add();
  } catch (thrown) {
    if (thrown instanceof RequestError) return undefined;
    throw thrown;
  }
}
