import type { Receiver, Sender } from 'rhea';

/** True where the peer asked for a capability at attach. */
export function desires(link: Receiver | Sender, capability: string): boolean {
  return [link.desired_capabilities].flat().some(desired => String(desired) === capability);
}

/** A link property as a number; null and absent mean the same. */
export function asNumber(value: unknown): number | undefined {
  return value === undefined || value === null ? undefined : Number(value);
}
