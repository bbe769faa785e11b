import type { EventBatch } from '../core/event.ts';
import type { SentEndings } from './wire.ts';

/** What the process apart is asked. */
export type Asked =
  /** Whether it is there. */
  { readonly kind: 'ready' } | { readonly kind: 'score'; readonly batch: EventBatch };

/** What it gives. */
export type Given =
  | { readonly kind: 'ready' }
  | { readonly kind: 'scored'; readonly endings: SentEndings }
  /** Infrastructure is away; see InfrastructureError. */
  | { readonly kind: 'away'; readonly message: string };
