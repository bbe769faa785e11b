import type { Card, Feature } from '../core/model.ts';

/** A request that the model takes, to be edited: the card's example, else one made of what the card says of its features. */
export function exampleRequest({ example, features }: Card): Readonly<Record<string, unknown>> {
  return { request_id: 'live-1', features: example ?? madeUp(features) };
}

function madeUp(features: readonly Feature[]): unknown {
  return Object.fromEntries(features.map(feature => [feature.name, plausible(feature)]));
}

function plausible({ type, fill, categories, range }: Feature): unknown {
  if (type === 'tensor') return [];
  if (type === 'string') return fill ?? categories?.[0] ?? 'text';
  return fill ?? Math.min(Math.max(0, range?.[0] ?? 0), range?.[1] ?? 0);
}
