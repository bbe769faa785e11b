/** What a handler needs of a request; @azure/functions' HttpRequest is one. */
export interface HttpRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly headers: { get(name: string): string | null };
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** An answer; @azure/functions takes it as it is. */
export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes where they are packed, or tensors. */
  readonly body: string | Uint8Array;
}

export type Handler = (request: HttpRequest) => Promise<HttpReply>;

/** What HTTP itself refuses; `status` and `headers` are the answer's. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

export const JSON_HEADERS = { 'content-type': 'application/json' } as const;

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify(value) };
}

/** The protocol's form of an error. */
export function problem(status: number, message: string, headers?: Readonly<Record<string, string>>): HttpReply {
  return json(status, { error: message }, headers);
}
