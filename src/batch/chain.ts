import type { RangeResult } from './range.ts';

/** Where a range begins and ends, in the order of ranges. */
export type Link = Pick<RangeResult, 'start' | 'end'>;

/**
 * Which ranges were split wrongly: the first one whose start is not where the one before it ended. Whoever starts it anew from there mends the chain up to the next such one; an unbroken
 * chain from `from` to `to` proves that every row was read once.
 * @returns undefined where it is unbroken
 */
export function brokenLink(
  links: readonly Link[],
  from: number,
  to: number,
): { readonly range: number; readonly start: number } | undefined {
  let end = from;
  for (let range = 0; range < links.length; range++) {
    const link = links[range] as Link;
    if (link.start !== end) return { range, start: end };
    end = link.end;
  }
  return end === to ? undefined : { range: links.length, start: end };
}
