import type { EventBatch } from '../core/event.ts';
import type { SentEndings } from './wire-endings.ts';
import type { SentEnding, SentRequest } from './wire-predictions.ts';

/** What the process apart is asked. */
export type Asked =
  /** Whether it is there. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'score'; readonly batch: EventBatch }
  | { readonly kind: 'predict'; readonly request: SentRequest };

/** What it gives. */
export type Given =
  | { readonly kind: 'ready' }
  | { readonly kind: 'scored'; readonly endings: SentEndings }
  | { readonly kind: 'predicted'; readonly ending: SentEnding }
  /** Infrastructure is away; see InfrastructureError. */
  | { readonly kind: 'away'; readonly message: string };
