/** The input, or what was asked of it, cannot be scored: no output appears. The message names file, column or row and what was expected. */
export class BatchRefusal extends Error {
  override readonly name = 'BatchRefusal';
  readonly retryable = false;
}
