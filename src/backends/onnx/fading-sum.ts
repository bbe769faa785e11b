/** A sum whose parts fade with their age: what was added a window ago counts a third. */
export function createFadingSum(windowMs: number) {
  let sum = 0;
  let at = performance.now();
  const recentMs = () => {
    const now = performance.now();
    sum *= Math.exp((at - now) / windowMs);
    at = now;
    return sum;
  };
  return {
    recentMs,
    add(ms: number) {
      sum = recentMs() + ms;
    },
  };
}
