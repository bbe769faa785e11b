/** Milliseconds as people read them, never rounded to nothing: `1,234 ms`, `12.3 ms`, `0.4 ms`, `31 µs`. */
export function duration(ms: number): string {
  if (ms === 0) return '0 ms';
  if (ms < 0.001) return '<1 µs';
  if (ms < 0.095) return `${Math.round(ms * 1000)} µs`;
  return ms < 99.95 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString('en')} ms`;
}
