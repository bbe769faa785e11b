/** A text in quotes, a comment, or a comma before a closing bracket with what may stand between. */
const PARTS =
  /"(?:\\.|[^"\\])*"|\/\/[^\n\r]*|\/\*[\s\S]*?\*\/|(?<![[{,]\s*),(?=(?:\s|\/\/[^\n\r]*|\/\*[\s\S]*?\*\/)*[\]}])/g;

/**
 * JSON as the Functions tools take it in local.settings.json: with a byte order mark, comments, trailing commas. The local host reads it by its own, which shares no code with the app.
 * @throws SyntaxError that names the place, which is the place in the file.
 */
export function parseJsonWithComments(text: string): unknown {
  const bare = text.replace(/^\uFEFF/, '');
  return JSON.parse(bare.replace(PARTS, part => (part.startsWith('"') ? part : part.replace(/[^\n\r]/g, ' '))));
}
