import type { RequestScanner } from '../../core/codec.ts';
import { malformed, RequestError } from '../../core/errors.ts';
import type { ModelVersion } from '../../core/model.ts';
import { InputTensors } from '../../core/open-inference.ts';
import type { RaggedRow } from '../../core/pad.ts';
import type { Request } from '../../core/request.ts';
import type { Tensor, Tensors, TensorType } from '../../core/tensor.ts';
import { nameOfType } from '../../core/words.ts';
import { type Block, DenseBlock, fill, RaggedBlock } from './blocks.ts';
import { dataFor } from './elements.ts';
import { planInputs } from './fields.ts';
import type { Field, InputPlan } from './input-plan.ts';
import { instancesOf, isOneInstance, tooMany, wholeInstance } from './instances.ts';
import { countOf } from './shapes.ts';
import { copyColumns, matchTensors } from './whole-tensors.ts';
import { checkLength, mismatch, writeWhole } from './write-whole.ts';

/** Where a request's instances stand among the rows. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** The request gave a list of instances. */
  readonly several: boolean;
  /** Those of the list that are not among the rows, and why, by their place in it; undefined where all are. */
  readonly bad?: ReadonlyMap<number, RequestError> | undefined;
}

/** What a request says of its instances beside their features. */
export type Terms = Pick<Request, 'ids' | 'onError'>;

/** More in one request would hold up everything behind it. */
const MAX_INSTANCES_PER_REQUEST = 10_000;

/** Room is made for all instances of a request before they are read, and `[[0],[0],…]` could ask for 10,000 images; 128 MiB of float32. */
const MAX_ELEMENTS_PER_REQUEST = 2 ** 25;

/** A slice of 256 texts of 4,000 tokens; 8 MiB of int64. */
const MAX_ELEMENTS = 2 ** 20;

/** Rows for which there is room at once; more are made as they come, for a row may be an image. */
const MAX_ROWS_AHEAD = 256;

/** How instances of one model version become tensors, worked out once a version. */
export class Encoder {
  readonly model: string;
  readonly inputs: readonly InputPlan[];
  readonly fields: readonly Field[];
  /** Theirs, UTF-8. */
  readonly names: readonly Buffer[];
  /** In the card's order: place in an instance's list → input. */
  readonly inputOf: readonly number[];
  /** Those inputs that a request fills; they stand before the others. */
  readonly given: readonly InputPlan[];
  /** Inputs that are made of others: masks. */
  readonly masks: readonly { readonly input: number; readonly of: number; readonly type: TensorType }[];
  /** Inputs that are made of a row's text. */
  readonly made: readonly { readonly input: number; readonly make: NonNullable<InputPlan['make']> }[];
  /** The model takes a request's whole tensors alone. */
  readonly unbatched: boolean;
  /** In one request. */
  readonly maxInstances: number;

  readonly #unneeded: ReadonlySet<string>;

  /** @throws TypeError where card and signature do not fit together. */
  constructor({ name, version, card, signature, backend }: ModelVersion) {
    this.model = `${name} ${version}`;
    this.#unneeded = new Set(card.unneededInputs);
    const plans = planInputs(card, signature, this.model, backend.info.pads);
    const isMade = ({ maskOf, make }: InputPlan) => maskOf !== undefined || make !== undefined;
    this.given = plans.filter(plan => !isMade(plan));
    this.inputs = [...this.given, ...plans.filter(isMade)];
    this.made = this.inputs.flatMap(({ make }, input) => (make === undefined ? [] : [{ input, make }]));
    this.masks = this.inputs.flatMap(({ spec, maskOf }, input) => {
      const of = this.inputs.findIndex(other => other.spec.name === maskOf);
      return maskOf === undefined ? [] : [{ input, of, type: spec.type }];
    });
    this.unbatched = signature.unbatched ?? false;
    const fieldsOf = new Map(
      this.inputs.map(({ spec, fields }, input) => [spec.name, { input, next: fields.values() }]),
    );
    const places = card.features.map(
      ({ input }) => fieldsOf.get(input) as NonNullable<ReturnType<typeof fieldsOf.get>>,
    );
    const width = this.inputs.reduce((sum, { tail }) => sum + (countOf(tail) ?? 0), 0);
    this.maxInstances = Math.min(MAX_INSTANCES_PER_REQUEST, Math.max(1, Math.floor(MAX_ELEMENTS_PER_REQUEST / width)));
    this.inputOf = places.map(({ input }) => input);
    this.fields = places.map(({ next }) => next.next().value as Field);
    this.names = this.fields.map(({ name }) => Buffer.from(name));
  }

  /** A request's features one by one. @throws RequestError schema_mismatch where whole tensors are none of the model's; malformed_payload where there is another number of ids. */
  instancesOf(
    features: unknown,
    ids: Request['ids'],
  ): { readonly instances: readonly unknown[]; readonly several: boolean } {
    const { given: inputs, fields, model, unbatched, maxInstances } = this;
    const tensors = features instanceof InputTensors ? this.needed(features) : undefined;
    if (unbatched || tensors !== undefined) {
      const instances = unbatched
        ? [wholeInstance(tensors ?? features, inputs, model)]
        : instancesOf(tensors as InputTensors, inputs, model, maxInstances);
      if (ids !== undefined && ids.length !== instances.length)
        throw malformed(`ids has ${ids.length}, inputs have ${instances.length} rows; an id a row is needed`);
      return { instances, several: ids !== undefined || instances.length !== 1 };
    }
    if (ids !== undefined) return { instances: features as readonly unknown[], several: true };
    const several = Array.isArray(features) && (features.length === 0 || !isOneInstance(features, inputs, fields));
    return { instances: several ? features : [features], several };
  }

  /** Without tensors for inputs that the model turned out not to need. */
  needed(tensors: InputTensors): InputTensors {
    const { inputs } = tensors;
    if (!inputs.some(({ name }) => this.#unneeded.has(name))) return tensors;
    return new InputTensors(inputs.filter(({ name }) => !this.#unneeded.has(name)));
  }

  begin(rows: number): Rows {
    return new Rows(this, rows);
  }
}

let scratch = new Float64Array(256);

/** Good until the next is asked for. */
function scratchFor(values: number): Float64Array {
  if (scratch.length < values) scratch = new Float64Array(2 * values);
  return scratch;
}

/** Instances of one model version, gathered row by row into columnar tensors; what does not fit leaves no trace. */
export class Rows {
  count = 0;
  readonly #encoder: Encoder;
  #blocks: readonly Block[];

  constructor(encoder: Encoder, rows: number) {
    this.#encoder = encoder;
    this.#blocks = encoder.inputs.map(input => input.block(Math.min(rows, MAX_ROWS_AHEAD)));
  }

  /** Adds a request's instances. @throws RequestError schema_mismatch or non_finite_feature; none of them is then in. */
  add(features: unknown, terms: Terms = {}): Span {
    const rows = features instanceof InputTensors ? this.#addTensors(features) : 0;
    if (rows > 0 && (terms.ids === undefined || terms.ids.length === rows)) {
      const from = this.count;
      this.count = from + rows;
      return { from, to: this.count, several: terms.ids !== undefined || rows !== 1 };
    }
    const { instances, several } = this.#encoder.instancesOf(features, terms.ids);
    return this.#addAll(instances, several, terms);
  }

  /** Adds one instance of several, as `Encoder.instancesOf` gave it; gives its row. Throws as `add` does. */
  addInstance(instance: unknown): number {
    const row = this.count;
    this.#reserve(row + 1);
    this.#write(instance, row);
    this.count = row + 1;
    return row;
  }

  /** Reads the features of what was scanned last as one more row, or a pack's rows; gives the first, or -1 where they are none of these. For models of one input of floats, or a column of them a feature, alone. */
  addScanned(scanner: RequestScanner, width: number): number {
    const row = this.count;
    const to = row + (scanner.rows || 1);
    if (to - row > this.#encoder.maxInstances) return -1;
    if (this.#blocks.length > 1) return this.#addColumns(scanner, width, row, to);
    const block = this.#blocks[0] as DenseBlock;
    block.reserve(to);
    if (!scanner.readNumbers(block.data as Float32Array | Float64Array, row * width, width, this.#encoder.names))
      return -1;
    this.count = to;
    return row;
  }

  #addColumns(scanner: RequestScanner, width: number, from: number, to: number): number {
    const { inputOf, names } = this.#encoder;
    const scratch = scratchFor((to - from) * width);
    if (!scanner.readNumbers(scratch, 0, width, names)) return -1;
    for (let feature = 0; feature < width; feature++) {
      const block = this.#blocks[inputOf[feature] as number] as DenseBlock;
      block.reserve(to);
      const data = block.data as Float32Array | Float64Array;
      for (let row = from, at = feature; row < to; row++, at += width) data[row] = scratch[at] as number;
    }
    this.count = to;
    return from;
  }

  /** Where plain numbers of so many rows go, for models of one float32 input alone; `took` says how many more were put down there. */
  plain(rows: number): Float32Array {
    const block = this.#blocks[0] as DenseBlock;
    block.reserve(rows);
    return block.data as Float32Array;
  }

  took(rows: number): void {
    this.count += rows;
  }

  /** Forgets all rows, and keeps their room. */
  clear(): void {
    this.count = 0;
    for (const block of this.#blocks) if (block instanceof RaggedBlock) block.rows.length = 0;
  }

  /** What an instance gives the model, as a text that only instances of the same content have. */
  key(row: number): string {
    const blocks = this.#blocks;
    return blocks.length === 1 ? (blocks[0] as Block).key(row) : blocks.map(block => block.key(row)).join('\0');
  }

  /** These rows alone. */
  pick(rows: readonly number[]): Rows {
    const picked = new Rows(this.#encoder, 0);
    picked.#blocks = this.#blocks.map(block => block.pick(rows));
    picked.count = rows.length;
    return picked;
  }

  /** Rows that may share a run, those of equal shapes together; undefined where all may. */
  byShape(): readonly (readonly number[])[] | undefined {
    if (this.count < 2) return undefined;
    const blocks = this.#blocks.filter(block => block.shape(0) !== undefined);
    const padded = this.#blocks.filter(block => block instanceof RaggedBlock && block.pads) as RaggedBlock[];
    if (blocks.length === 0 && padded.length < 2) return undefined;
    const groups = new Map<string, number[]>();
    for (let row = 0; row < this.count; row++) {
      const shape = `${unevenness(padded, row)}|${blocks.map(block => block.shape(row)).join()}`;
      const group = groups.get(shape);
      if (group) group.push(row);
      else groups.set(shape, [row]);
    }
    return groups.size > 1 ? [...groups.values()] : undefined;
  }

  /** Whether rows `from` to `to` are too much for one run, however few. */
  isTooLarge(from: number, to: number): boolean {
    return this.#blocks.some(block => (block.elements(from, to) ?? 0) > MAX_ELEMENTS);
  }

  /** Characters of each text of rows `from` to `to`; undefined where the model takes anything else than one text a row. */
  textLengths(from: number, to: number): number[] | undefined {
    const [block] = this.#blocks;
    if (this.#blocks.length !== 1 || !(block instanceof DenseBlock) || block.width !== 1) return undefined;
    const { data } = block;
    return Array.isArray(data) ? data.slice(from, to).map(text => text.length) : undefined;
  }

  /** Rows `from` to `to`, which have equal shapes, as the model's inputs, `size` rows each; as views on the rows' memory where these are `lent`. */
  tensors(from: number, to: number, size: number, lent = false): Tensors {
    const tensors: Record<string, Tensor> = {};
    this.#encoder.inputs.forEach((input, index) => {
      tensors[input.spec.name] = (this.#blocks[index] as Block).tensor(from, to, size, lent);
    });
    return tensors;
  }

  /** Whole tensors, an input each, copied column by column behind the rows; gives how many rows they have, 0 where they need a closer look. */
  #addTensors(features: InputTensors): number {
    const { inputs, given, maxInstances, unbatched } = this.#encoder;
    if (unbatched || given.length < inputs.length) return 0;
    const columns = matchTensors(this.#encoder.needed(features), inputs, this.#blocks);
    if (columns === undefined || columns.rows > maxInstances) return 0;
    this.#reserve(this.count + columns.rows);
    return columns.all.every(column => copyColumns(column, columns.rows, this.count)) ? columns.rows : 0;
  }

  #addAll(instances: readonly unknown[], several: boolean, { ids, onError }: Terms): Span {
    const from = this.count;
    const { model, maxInstances } = this.#encoder;
    if (instances.length === 0) throw mismatch('features is empty', model, 'at least one instance');
    if (instances.length > maxInstances) throw tooMany(instances.length, model, maxInstances);
    this.#reserve(from + instances.length);
    let bad: Map<number, RequestError> | undefined;
    let to = from;
    for (let i = 0; i < instances.length; i++) {
      try {
        this.#write(instances[i], to);
        to++;
      } catch (thrown) {
        if (!several || !(thrown instanceof RequestError)) throw thrown;
        if (onError !== 'skip') throw thrown.in({ index: i, id: ids?.[i] });
        bad ??= new Map();
        bad.set(i, thrown);
      }
    }
    if (bad !== undefined && to === from) throw noneGood(bad, ids);
    this.count = to;
    return { from, to, several, bad };
  }

  #reserve(rows: number): void {
    for (const block of this.#blocks) block.reserve(rows);
  }

  #write(instance: unknown, row: number): void {
    this.#writeGiven(instance, row);
    if (this.#encoder.masks.length > 0) this.#writeMasks(row);
    for (const { input, make } of this.#encoder.made) make(this.#blocks[input] as Block, row);
  }

  #writeMasks(row: number): void {
    for (const { input, of, type } of this.#encoder.masks) {
      const { dims, data } = (this.#blocks[of] as RaggedBlock).rows[row] as RaggedRow;
      const ones = dataFor(type, data.length);
      fill(ones, type, 1);
      (this.#blocks[input] as RaggedBlock).rows[row] = { dims, data: ones };
    }
  }

  #writeGiven(instance: unknown, row: number): void {
    const { fields, model } = this.#encoder;
    if (Array.isArray(instance)) {
      this.#writeList(instance, row);
      return;
    }
    if (typeof instance === 'object' && instance !== null) {
      this.#writeObject(instance as JsonObject, row);
      return;
    }
    if (fields.length !== 1) {
      throw mismatch(
        `features is ${nameOfType(instance)}`,
        model,
        `a list of ${fields.length} values, or an object by name`,
      );
    }
    (fields[0] as Field).write(instance, this.#blocks[0] as Block, row);
  }

  /** Values by place. */
  #writeList(list: readonly unknown[], row: number): void {
    const { given: inputs, fields, inputOf, model } = this.#encoder;
    const [only] = inputs;
    if (inputs.length === 1 && only !== undefined) {
      writeWhole(only, list, this.#blocks[0] as Block, row, model);
      return;
    }
    checkLength(list, fields, model);
    for (let i = 0; i < fields.length; i++) {
      (fields[i] as Field).write(list[i], this.#blocks[inputOf[i] as number] as Block, row);
    }
  }

  /** Values by feature name, or a whole input's by the input's name. */
  #writeObject(object: JsonObject, row: number): void {
    const { given: inputs, model } = this.#encoder;
    for (let i = 0; i < inputs.length; i++) {
      const { spec, fields } = inputs[i] as InputPlan;
      const block = this.#blocks[i] as Block;
      const whole = object[spec.name];
      if (Array.isArray(whole) && fields[0]?.name !== spec.name) {
        writeWhole(inputs[i] as InputPlan, whole, block, row, model);
        continue;
      }
      for (let f = 0; f < fields.length; f++) {
        const field = fields[f] as Field;
        field.write(object[field.name], block, row);
      }
    }
  }
}

/** A pack of which no row is good ends as its first does. */
export function noneGood(bad: ReadonlyMap<number, RequestError>, ids: Request['ids']): RequestError {
  const index = Math.min(...bad.keys());
  const more = bad.size > 1 ? `; none of the ${bad.size} instances could be answered` : '';
  return (bad.get(index) as RequestError).in({ index, id: ids?.[index] }, more);
}

/** Arrays of one instance that have different lengths, which padding would hide: they stand with their like. Empty where they have one. */
function unevenness(padded: readonly RaggedBlock[], row: number): string {
  const shapes = padded.map(({ rows }) => (rows[row] as RaggedRow).dims.join('x'));
  return new Set(shapes).size > 1 ? shapes.join() : '';
}

type JsonObject = Readonly<Record<string, unknown>>;
