import type { RequestScanner } from '../../core/codec.ts';
import { RequestError } from '../../core/errors.ts';
import type { ModelVersion } from '../../core/model.ts';
import { InputTensors } from '../../core/open-inference.ts';
import type { Tensor, Tensors } from '../../core/tensor.ts';
import { nameOfType } from '../../core/words.ts';
import { type Block, DenseBlock } from './blocks.ts';
import { type Field, type InputPlan, planInputs } from './fields.ts';
import { instancesOf, isOneInstance, isTensor } from './instances.ts';
import { flatten, shapeOf } from './shapes.ts';

/** Where a request's instances stand among the rows. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** The request gave a list of instances. */
  readonly several: boolean;
}

/** More in one request would hold up everything behind it. */
const MAX_INSTANCES_PER_REQUEST = 10_000;

/** A slice of 256 texts of 4,000 tokens; 8 MiB of int64. */
const MAX_ELEMENTS = 2 ** 20;

/** Rows for which there is room at once; more are made as they come, for a row may be an image. */
const MAX_ROWS_AHEAD = 256;

/** How instances of one model version become tensors, worked out once a version. */
export class Encoder {
  readonly model: string;
  readonly inputs: readonly InputPlan[];
  readonly fields: readonly Field[];
  /** In the card's order: place in an instance's list → input. */
  readonly inputOf: readonly number[];

  readonly #unneeded: ReadonlySet<string>;

  /** @throws TypeError where card and signature do not fit together. */
  constructor({ name, version, card, signature }: ModelVersion) {
    this.model = `${name} ${version}`;
    this.#unneeded = new Set(card.unneededInputs);
    this.inputs = planInputs(card, signature, this.model);
    const fieldsOf = new Map(
      this.inputs.map(({ spec, fields }, input) => [spec.name, { input, next: fields.values() }]),
    );
    const places = card.features.map(
      ({ input }) => fieldsOf.get(input) as NonNullable<ReturnType<typeof fieldsOf.get>>,
    );
    this.inputOf = places.map(({ input }) => input);
    this.fields = places.map(({ next }) => next.next().value as Field);
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
  add(features: unknown): Span {
    const from = this.count;
    const { inputs, fields, model } = this.#encoder;
    if (features instanceof InputTensors) {
      const copied = this.#addPlain(features);
      if (copied !== undefined) return copied;
      const instances = instancesOf(this.#encoder.needed(features), inputs, model);
      return this.#addAll(instances, instances.length !== 1);
    }
    if (Array.isArray(features) && (features.length === 0 || !isOneInstance(features, inputs, fields))) {
      return this.#addAll(features, true);
    }
    this.#reserve(from + 1);
    this.#write(features, from);
    this.count = from + 1;
    return { from, to: from + 1, several: false };
  }

  /** Reads the features of what was scanned last as one more row; gives the row, or -1 where they are none of these. For models of one float32 input alone. */
  addScanned(scanner: RequestScanner, width: number): number {
    const block = this.#blocks[0] as DenseBlock;
    const row = this.count;
    block.reserve(row + 1);
    if (!scanner.readNumbers(block.data as Float32Array, row * width, width)) return -1;
    this.count = row + 1;
    return row;
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
    const blocks = this.#blocks.filter(block => this.count > 0 && block.shape(0) !== undefined);
    if (blocks.length === 0) return undefined;
    const groups = new Map<string, number[]>();
    for (let row = 0; row < this.count; row++) {
      const shape = blocks.map(block => block.shape(row)).join();
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

  /** A whole tensor of plain numbers, as many columns as the one input takes: copied as it is. Undefined where it needs a closer look. */
  #addPlain({ inputs: given }: InputTensors): Span | undefined {
    const { inputs } = this.#encoder;
    const [input, tensor] = [inputs[0], given[0]];
    if (input?.plainLimit === undefined || tensor === undefined || inputs.length > 1 || given.length > 1)
      return undefined;
    const { spec, fields, plainLimit } = input;
    const [rows = 0, width] = tensor.shape;
    if (tensor.name !== spec.name || tensor.shape.length !== 2 || width !== fields.length) return undefined;
    if (rows === 0 || rows > MAX_INSTANCES_PER_REQUEST) return undefined;
    const from = this.count;
    const block = this.#blocks[0] as DenseBlock;
    block.reserve(from + rows);
    if (!copyPlain(tensor.data, block.data as Float32Array, from * width, plainLimit)) return undefined;
    this.count = from + rows;
    return { from, to: this.count, several: rows !== 1 };
  }

  #addAll(instances: readonly unknown[], several: boolean): Span {
    const from = this.count;
    const to = from + instances.length;
    const { model } = this.#encoder;
    if (instances.length === 0) throw mismatch('features is empty', model, 'at least one instance');
    if (instances.length > MAX_INSTANCES_PER_REQUEST) {
      throw mismatch(
        `features has ${instances.length} instances`,
        model,
        `at most ${MAX_INSTANCES_PER_REQUEST} a request`,
      );
    }
    this.#reserve(to);
    instances.forEach((instance, i) => {
      try {
        this.#write(instance, from + i);
      } catch (thrown) {
        if (!several || !(thrown instanceof RequestError)) throw thrown;
        throw new RequestError(thrown.code, thrown.stage, `instance ${i}: ${thrown.message}`);
      }
    });
    this.count = to;
    return { from, to, several };
  }

  #reserve(rows: number): void {
    for (const block of this.#blocks) block.reserve(rows);
  }

  #write(instance: unknown, row: number): void {
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
    const { inputs, fields, inputOf, model } = this.#encoder;
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
    const { inputs, model } = this.#encoder;
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

type JsonObject = Readonly<Record<string, unknown>>;

/** Fills one input from a list: one value a column, or one tensor. */
function writeWhole(input: InputPlan, list: readonly unknown[], block: Block, row: number, model: string): void {
  const { fields, plainLimit } = input;
  if (isTensor(fields[0])) {
    (fields[0] as Field).write(list, block, row);
    return;
  }
  const values = Array.isArray(list[0]) && input.tail.length > 1 ? (flatten(list, shapeOf(list)) ?? list) : list;
  checkLength(values, fields, model);
  let column = 0;
  if (plainLimit !== undefined) column = writePlain(values, block as DenseBlock, row, plainLimit);
  for (; column < fields.length; column++) (fields[column] as Field).write(values[column], block, row);
}

/** The hot loop: numbers straight into the tensor, until one needs a closer look. Returns the columns written. */
function writePlain(values: readonly unknown[], { data, width }: DenseBlock, row: number, limit: number): number {
  const start = row * width;
  for (let column = 0; column < width; column++) {
    const value = values[column];
    if (typeof value !== 'number' || !(value < limit && value > -limit)) return column;
    (data as Float32Array)[start + column] = value;
  }
  return width;
}

/** False where a value is no number, or one that the input cannot hold. */
function copyPlain(values: ArrayLike<unknown>, into: Float32Array, start: number, limit: number): boolean {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number' || !(value < limit && value > -limit)) return false;
    into[start + i] = value;
  }
  return true;
}

function checkLength(values: readonly unknown[], fields: readonly Field[], model: string): void {
  if (values.length !== fields.length) {
    throw mismatch(
      `features has ${values.length} value${values.length === 1 ? '' : 's'}`,
      model,
      String(fields.length),
    );
  }
}

function mismatch(is: string, model: string, takes: string): RequestError {
  return new RequestError('schema_mismatch', 'validate', `${is}; ${model} takes ${takes}`);
}
