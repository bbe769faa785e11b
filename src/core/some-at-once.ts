import { within } from './waiting.ts';

/**
 * Does something with every item, with so many at once. Work that takes longer than `placeMs` goes on, and gives its place to the next.
 * @returns once all of it has ended. @throws what the work throws; then what is left is not begun.
 */
export async function someAtOnce<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
  placeMs?: number,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const begun: Promise<void>[] = [];
  const place = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) {
      const working = work(next.value);
      if (placeMs === undefined) await working;
      else {
        begun.push(working);
        await within(working, placeMs);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, place));
  await Promise.all(begun);
}
