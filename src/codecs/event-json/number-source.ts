/** `JSON.parse` hands its reviver the source text of a primitive; the language library of our target does not declare it yet. */
type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;

const ID_FIELDS = new Set(['request_id', 'id']);

/** The source text of numeric ids that a double would change (`12345678901234567890`): reads the JSON a second time, once, and only if asked. */
export class NumberSource {
  readonly #json: string;
  #root: unknown;
  #sources: Map<unknown, string> | undefined;

  constructor(json: string) {
    this.#json = json;
  }

  /** Source of the id of the request at `index` of the JSON's array, or of the JSON itself. */
  idAt(index: number | undefined): string | undefined {
    this.#sources ??= this.#read();
    return this.#sources.get(index === undefined ? this.#root : (this.#root as unknown[])[index]);
  }

  #read(): Map<unknown, string> {
    const sources = new Map<unknown, string>();
    this.#root = parseWithSource(this.#json, function (key, value, { source }) {
      if (typeof value === 'number' && source !== undefined && ID_FIELDS.has(key)) sources.set(this, source);
      return value;
    });
    return sources;
  }
}
