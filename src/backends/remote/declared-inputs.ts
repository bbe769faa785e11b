import type { TensorSpec } from '../../core/tensor.ts';

/** An input of a server that says nothing of itself, as the card's features make it up. */
export interface DeclaredInput {
  readonly spec: TensorSpec;
  /** The features that are its columns; undefined where one feature is the whole array. */
  readonly columns: readonly string[] | undefined;
}

interface FeatureOfCard {
  readonly name: string;
  readonly type?: string | undefined;
  readonly input?: string | undefined;
  readonly categories?: unknown;
  readonly encode?: string | undefined;
}

/**
 * Inputs by the features of a card: those that name the same `input` are its columns, any other is an input by its own name; numbers are doubles.
 * @param common what the input of all numbers is called that name none; undefined: each is its own
 * @throws Error where the card names no features.
 */
export function declaredInputs(card: Readonly<Record<string, unknown>>, common?: string): readonly DeclaredInput[] {
  const features = (card.features ?? []) as readonly FeatureOfCard[];
  if (features.length === 0) {
    throw new Error('features: expected the names of what it takes: the server says nothing of its inputs');
  }
  const groups = new Map<string, FeatureOfCard[]>();
  for (const feature of features) {
    const input = feature.input ?? (isText(feature) ? feature.name : (common ?? feature.name));
    groups.set(input, [...(groups.get(input) ?? []), feature]);
  }
  return [...groups].map(([name, mine]) => {
    const [first] = mine as [FeatureOfCard];
    const type = isText(first) ? 'string' : 'float64';
    if (first.type === 'tensor') return { spec: { name, type, dims: [null, null] }, columns: undefined };
    return { spec: { name, type, dims: [null, mine.length] }, columns: mine.map(feature => feature.name) };
  });
}

function isText({ type, categories, encode }: FeatureOfCard): boolean {
  return encode == null && (type === 'string' || (type == null && categories != null));
}
