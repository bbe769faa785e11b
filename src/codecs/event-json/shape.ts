export type JsonObject = Readonly<Record<string, unknown>>;

/** How a JSON object says what a request says. */
export interface Shape {
  readonly name: string;
  takes(body: JsonObject): boolean;
  id(body: JsonObject): unknown;
  features(body: JsonObject): unknown;
  /** Where fields may stand that the body itself does not bear. */
  parameters(body: JsonObject): JsonObject | undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
