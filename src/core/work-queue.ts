/** Where work lies until an instance takes it. A message may come twice, and out of order. */
export interface WorkQueue {
  /** @param delaySeconds nobody sees it before. @throws InfrastructureError. Makes the queue where it is missing. */
  send(message: object, signal: AbortSignal, delaySeconds?: number): Promise<void>;
}

/** The queue of chunks of batch jobs, in the storage of the Functions host. */
export const CHUNKS_QUEUE = 'batch-chunks';
