import type { ChunkMessage, Job } from '../batch/jobs/job.ts';
import type { ChunkRecord } from '../batch/jobs/records.ts';

/** What the process that scores chunks is asked. */
export type BatchAsked =
  /** Whether it is there. */
  { readonly kind: 'ready' } | { readonly kind: 'score'; readonly job: Job; readonly message: ChunkMessage };

/** What it gives. */
export type BatchGiven =
  | { readonly kind: 'ready' }
  | { readonly kind: 'scored'; readonly record: ChunkRecord }
  /** See BlobGone and BatchRefusal. */
  | { readonly kind: 'gone' | 'refused'; readonly message: string };
