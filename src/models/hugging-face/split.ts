/** What becomes of the places where a text is split, by the names that tokenizer.json has for it. */
export type SplitBehavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

interface Piece {
  text: string;
  readonly isMatch: boolean;
}

/** Splits a text as Python's tokenizers do. @param pattern global; @param invert what it matches is kept, the rest are the splits */
export function splitText(text: string, pattern: RegExp, behavior: SplitBehavior, invert = false): string[] {
  return merge(piecesOf(text, pattern, invert), behavior)
    .map(piece => piece.text)
    .filter(piece => piece !== '');
}

function piecesOf(text: string, pattern: RegExp, invert: boolean): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const { 0: match, index } of text.matchAll(pattern)) {
    if (index > from) pieces.push({ text: text.slice(from, index), isMatch: invert });
    if (match !== '') pieces.push({ text: match, isMatch: !invert });
    from = index + match.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), isMatch: invert });
  return pieces;
}

function merge(pieces: readonly Piece[], behavior: SplitBehavior): readonly Piece[] {
  switch (behavior) {
    case 'Isolated':
      return pieces;
    case 'Removed':
      return pieces.filter(({ isMatch }) => !isMatch);
    case 'Contiguous':
      return fold(pieces, (last, piece) => last.isMatch === piece.isMatch, false);
    case 'MergedWithPrevious':
      return fold(pieces, (last, piece) => piece.isMatch && !last.isMatch, false);
    case 'MergedWithNext':
      return fold(pieces.toReversed(), (last, piece) => piece.isMatch && !last.isMatch, true).reverse();
  }
}

/** Joins a piece to the one before it where that is wanted. */
function fold(pieces: readonly Piece[], joins: (last: Piece, piece: Piece) => boolean, backwards: boolean): Piece[] {
  const merged: Piece[] = [];
  let last: Piece | undefined;
  for (const piece of pieces) {
    const target = merged.at(-1);
    if (target !== undefined && last !== undefined && joins(last, piece))
      target.text = backwards ? piece.text + target.text : target.text + piece.text;
    else merged.push({ ...piece });
    last = piece;
  }
  return merged;
}
