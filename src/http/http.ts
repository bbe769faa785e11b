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
  /** Bytes where they are packed. */
  readonly body: string | Uint8Array;
}

export type Handler = (request: HttpRequest) => Promise<HttpReply>;

const JSON_HEADERS = { 'content-type': 'application/json' } as const;

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return { status, headers: { ...JSON_HEADERS, ...headers }, body: JSON.stringify(value) };
}

/** The protocol's form of an error. */
export function problem(status: number, message: string, headers?: Readonly<Record<string, string>>): HttpReply {
  return json(status, { error: message }, headers);
}
