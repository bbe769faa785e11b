import type { InputPath } from './input-path.ts';

/** What the bytes of an event are: found out by its content type and first bytes, or what the card says. */
export const INPUT_FORMATS = ['auto', 'json', 'avro', 'protobuf', 'msgpack'] as const;
export type InputFormat = (typeof INPUT_FORMATS)[number];

/** Paths of which the first that leads to something counts. */
export type InputPaths = readonly [InputPath, ...InputPath[]];

/** How a model's card says that the events meant for it are read; compiled once a version, and not changed. */
export interface InputMapping {
  readonly format: InputFormat;
  /** Of bodies that do not carry or name theirs: an Avro schema, or the text of a .proto file. */
  readonly schema: unknown;
  /** Of Protobuf: the full name of the message. */
  readonly message?: string | undefined;
  /** Where an event's records stand; undefined: it is one, or a list of them. */
  readonly records: InputPaths | undefined;
  /** Records for which all of these hold are scored, others passed over. */
  readonly where: readonly InputCondition[];
  /** An event without a body, or whose body is null, is passed over: a tombstone. */
  readonly skipEmpty: boolean;
  /** The object of a record whose members are features by name; undefined: the record itself. */
  readonly row: InputPaths | undefined;
  /** Features that lie elsewhere. */
  readonly fields: readonly InputField[];
  readonly requestId: InputPaths;
  /** What is copied into the result's `carried`, by the name that it gets there. */
  readonly carry: readonly { readonly name: string; readonly paths: InputPaths }[];
}

export interface InputCondition {
  readonly paths: InputPaths;
  readonly in: readonly unknown[];
}

export interface InputField {
  readonly feature: string;
  readonly paths: InputPaths;
  /** The card fills it where it is missing. */
  readonly filled: boolean;
}

/** Finds the mapping of the model that an event's properties name, or of the default one. */
export interface InputSource {
  /**
   * Undefined where its card has none, or no model is named and there are several. A promise only where it is not known yet.
   * @throws RequestError where there is no such model, or it cannot serve; InfrastructureError where that cannot be learned.
   */
  inputOf(
    model: string | undefined,
    version: string | undefined,
  ): InputMapping | undefined | Promise<InputMapping | undefined>;
}
