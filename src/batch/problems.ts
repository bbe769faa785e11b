/** The input, or what was asked of it, cannot be scored: no output appears. The message names file, column or row and what was expected. */
export class BatchRefusal extends Error {
  override readonly name = 'BatchRefusal';
  readonly retryable = false;
}

/** What was thrown, a refusal with the file's name in front. */
export function naming(title: string, thrown: unknown): unknown {
  return thrown instanceof BatchRefusal ? new BatchRefusal(`${title}: ${thrown.message}`, { cause: thrown }) : thrown;
}
