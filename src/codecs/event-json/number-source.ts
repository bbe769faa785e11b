/** `JSON.parse` hands its reviver the source text of a primitive; the language library of our target does not declare it yet. */
type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;

const ID_FIELDS = new Set(['request_id', 'id']);

/** The source text of numeric ids that a double would change (`12345678901234567890`): reads the JSON a second time, once, and only if asked. */
export class NumberSource {
  readonly #json: string;
  #root: unknown;
  #sources: Map<unknown, string> | undefined;
  /** By list of ids as it was read the second time: by place. */
  readonly #lists = new Map<unknown, Map<string, string>>();

  constructor(json: string) {
    this.#json = json;
  }

  /** Source of the id of the request at `index` of the JSON's array, or of the JSON itself. */
  idAt(index: number | undefined): string | undefined {
    this.#sources ??= this.#read();
    return this.#sources.get(this.#request(index));
  }

  /** The same of the ids of its rows. */
  rowIdAt(index: number | undefined, row: number): string | undefined {
    this.#sources ??= this.#read();
    const request = this.#request(index) as Holder;
    return this.#lists.get(request.ids ?? request.parameters?.ids)?.get(String(row));
  }

  #request(index: number | undefined): unknown {
    return index === undefined ? this.#root : (this.#root as unknown[])[index];
  }

  #read(): Map<unknown, string> {
    const sources = new Map<unknown, string>();
    const lists = this.#lists;
    this.#root = parseWithSource(this.#json, function (key, value, { source }) {
      if (typeof value === 'number' && source !== undefined) {
        if (ID_FIELDS.has(key)) sources.set(this, source);
        else if (Array.isArray(this) && source !== String(value)) {
          // The elements of a list come before the list itself.
          if (!lists.has(this)) lists.set(this, new Map());
          (lists.get(this) as Map<string, string>).set(key, source);
        }
      }
      return value;
    });
    return sources;
  }
}

interface Holder {
  readonly ids?: unknown;
  readonly parameters?: { readonly ids?: unknown };
}
