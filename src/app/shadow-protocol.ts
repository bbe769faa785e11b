import type { Shadow } from '../rollouts/shadow.ts';

/** What the process that pairs is asked: to pair what came to one shadow since the last time. */
export interface ShadowAsked {
  readonly model: string;
  readonly shadow: Shadow;
  /** No block is begun after that time, milliseconds since the epoch. */
  readonly untilMs: number;
}

/** What it gives. */
export type ShadowGiven =
  | { readonly kind: 'paired'; readonly pairs: number; readonly behind: number }
  /** The version cannot be asked, or a newer app has been here, in words. */
  | { readonly kind: 'refused'; readonly message: string };
