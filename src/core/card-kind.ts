/** Whether a card is all there is of a version: a server has the model, or others answer for it. */
export function needsNoFile(card: Readonly<Record<string, unknown>> | null): boolean {
  return card?.backend != null || card?.ensemble != null || card?.backends != null;
}
