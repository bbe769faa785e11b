type Card = Readonly<Record<string, unknown>>;

/** Whether a card is all there is of a version: a server has the model, or others answer for it. */
export function needsNoFile(card: Card | null): boolean {
  return card?.backend != null || card?.ensemble != null || (card?.backends != null && !choosesFile(card));
}

/** Whether the model file is one of several backends that a card chooses among. */
export function choosesFile({ backends }: Card): boolean {
  return Array.isArray(backends) && backends.some(backend => (backend as { kind?: unknown } | null)?.kind === 'onnx');
}
