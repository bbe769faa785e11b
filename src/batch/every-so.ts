/** Places that cut what lies between two into equal parts of at most so much. */
export function everySo(from: number, to: number, most: number): number[] {
  const parts = Math.max(1, Math.ceil((to - from) / most));
  return Array.from({ length: parts - 1 }, (_, i) => from + Math.ceil(((i + 1) * (to - from)) / parts));
}
