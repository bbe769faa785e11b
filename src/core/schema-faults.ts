import type { z } from 'zod';

/** Every fault as `features[2].range: expected [lowest, highest], came [3,1]`. */
export function faults(error: z.ZodError, value: unknown): string {
  return error.issues
    .slice(0, 5)
    .map(issue => {
      const path = issue.path.map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
      const came = issue.path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | null)?.[step], value);
      const said = issue.message.replace(/^Invalid (input|option): /, '').replace(/, received .*$/, '');
      return `${path.slice(path.startsWith('.') ? 1 : 0) || 'the whole'}: ${said}, came ${JSON.stringify(came)?.slice(0, 80) ?? 'nothing'}`;
    })
    .join('; ');
}
