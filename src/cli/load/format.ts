/** `00:01:05` */
export function clockTime(elapsedMs: number): string {
  const seconds = Math.floor(elapsedMs / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** Milliseconds as people read them: a digit after the point below 10; what is there is never shown as nothing. */
export function ms(value: number): string {
  if (value > 0 && value < 0.05) return '<0.1';
  return value < 9.95 ? (Math.round(value * 10) / 10).toFixed(1) : whole(Math.round(value));
}

/** `12,345` */
export const whole = (value: number) => value.toLocaleString('en');
