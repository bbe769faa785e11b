const TIME_SPAN = /^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$/;

/** A .NET time span, `[d.]hh:mm[:ss[.fffffff]]`, in milliseconds; undefined where the text is none. `-1` is "never" and gives Infinity. */
export function parseTimeSpan(text: string): number | undefined {
  if (text === '-1') return Number.POSITIVE_INFINITY;
  const match = TIME_SPAN.exec(text.trim());
  if (!match) return undefined;
  const [, sign, days = '0', hours = '0', minutes = '0', seconds = '0', fraction = '0'] = match;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
  const total = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return (sign ? -1 : 1) * (total * 1000 + Number(`0.${fraction}`) * 1000);
}
