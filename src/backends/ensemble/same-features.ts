import { Misfit } from '../../core/misfit.ts';
import type { Card, Feature } from '../../core/model.ts';
import type { Alignment } from '../several/align.ts';

/**
 * Members are given the same tensors: what their cards make of an instance has to be the same, column by column.
 * @throws Misfit that names the feature
 */
export function checkFeatures(lead: Card, other: Card, alignment: Alignment): void {
  if (other.text !== undefined) throw new Misfit('it takes texts through a tokenizer, which no ensemble does');
  const named = lead.raw.features != null && other.raw.features != null;
  for (const { from, to } of alignment) {
    const [mine, theirs] = [feeding(lead, from), feeding(other, to)];
    const scaled = [...mine, ...theirs].find(({ scale }) => scale !== undefined);
    if (!named && scaled !== undefined && lead !== other)
      throw new Misfit(
        `feature ${scaled.name}: one card scales it, the other does not name it; both have to say the same`,
      );
    if (!named) continue;
    const widest = Math.max(mine.length, theirs.length);
    for (let i = 0; i < widest; i++) {
      const [expected, came] = [wordsOf(mine[i]), wordsOf(theirs[i])];
      if (expected !== came) throw new Misfit(`features of input ${to}: expected ${expected}, came ${came}`);
    }
  }
}

interface RawFeature {
  readonly name: string;
  readonly scale?: unknown;
  readonly encode?: unknown;
}

/** What the ensemble's own card says of features has to be what its members' cards say of them. @throws Misfit */
export function checkOwnFeatures(own: unknown, { raw }: Card): void {
  if (own == null || raw.features == null) return;
  const [mine, theirs] = [own, raw.features] as [readonly RawFeature[], readonly RawFeature[]];
  const names = (list: readonly RawFeature[]) => list.map(({ name }) => name).join(', ');
  if (names(mine) !== names(theirs)) throw new Misfit(`features: expected ${names(mine)}, came ${names(theirs)}`);
  mine.forEach((feature, i) => {
    const [expected, came] = [feature, theirs[i]].map(each =>
      JSON.stringify([each?.scale ?? null, each?.encode ?? null]),
    );
    if (expected !== came)
      throw new Misfit(`feature ${feature.name}: expected [scale, encode] ${expected}, came ${came}`);
  });
}

function feeding({ features }: Card, input: string): readonly Feature[] {
  return features.filter(feature => feature.input === input);
}

/** What of a feature decides which numbers or texts the model is given. */
function wordsOf(feature: Feature | undefined): string {
  if (feature === undefined) return 'no further one';
  const { name, fill, encode, categories, scale } = feature;
  return JSON.stringify({ name, fill, encode, ...(encode && { categories }), scale });
}
