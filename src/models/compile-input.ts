import { z } from 'zod';
import { INPUT_FORMATS, type InputMapping, type InputPaths } from '../core/input.ts';
import { PathFault, parsePath } from '../core/input-path.ts';
import type { Feature } from '../core/model.ts';
import { INPUT_PRESETS, type InputPreset } from './input-presets.ts';

const path = z.string().min(1);
const paths = z.union([path, z.array(path).min(1)]);
const condition = z.strictObject({ path: paths, in: z.array(z.union([z.string(), z.number(), z.boolean()])).min(1) });
const presets = Object.keys(INPUT_PRESETS) as [InputPreset, ...InputPreset[]];

/** The card's `input`. Strict: a word that is not known would leave events unread, silently. */
export const inputSchema = z.strictObject({
  preset: z.enum(presets).optional(),
  format: z.enum(INPUT_FORMATS).optional(),
  schema: z.unknown().optional(),
  message: z.string().min(1).optional(),
  records: paths.optional(),
  where: z.union([condition, z.array(condition).min(1)]).optional(),
  skip_empty: z.boolean().optional(),
  row: paths.optional(),
  fields: z.record(z.string(), paths).optional(),
  request_id: paths.optional(),
  carry: z.array(path).optional(),
});

export type RawInput = z.infer<typeof inputSchema>;

/** With the mapping that its preset stands for written out. */
export function expandInput({ preset, ...own }: RawInput): Omit<RawInput, 'preset'> {
  return preset === undefined ? own : { ...(INPUT_PRESETS[preset] as unknown as RawInput), ...own };
}

/**
 * Compiles a card's `input`.
 * @param features undefined where the model has not been opened: names are not held against it then
 * @throws Error naming file, field and position.
 */
export function compileInput(
  raw: RawInput | undefined,
  file: string,
  features?: readonly Pick<Feature, 'name' | 'fill'>[],
): InputMapping | undefined {
  if (raw === undefined) return undefined;
  const given = expandInput(raw);
  const at = (field: string, given: string | readonly string[], every = false): InputPaths => {
    try {
      const all = typeof given === 'string' ? [given] : given;
      return all.map(text => parsePath(text, every)) as unknown as InputPaths;
    } catch (thrown) {
      if (thrown instanceof PathFault) throw new Error(`${file}: input.${field}: ${thrown.message}`, { cause: thrown });
      throw thrown;
    }
  };
  const conditions = given.where === undefined ? [] : [given.where].flat();
  const carry = (given.carry ?? []).map((text, i) => {
    const carried = at(`carry[${i}]`, text);
    return { name: carried[0].name, paths: carried };
  });
  const twice = carry.find(({ name }, i) => carry.findIndex(other => other.name === name) !== i);
  if (twice !== undefined) throw new Error(`${file}: input.carry: two of the name ${twice.name}`);
  const fields = Object.entries(given.fields ?? {}).map(([name, text]) => {
    const feature = features?.find(known => known.name === name);
    if (features !== undefined && feature === undefined)
      throw new Error(`${file}: input.fields.${name}: the model has no such feature`);
    return { feature: name, paths: at(`fields.${name}`, text), filled: feature?.fill !== undefined };
  });
  if (given.format === 'avro' && given.schema === undefined)
    throw new Error(`${file}: input.schema: expected an Avro schema beside format "avro"`);
  if (given.format === 'protobuf' && typeof given.schema !== 'string')
    throw new Error(`${file}: input.schema: expected the text of a .proto file beside format "protobuf"`);
  if (given.format === 'protobuf' && given.message === undefined)
    throw new Error(`${file}: input.message: expected a full name beside format "protobuf", such as example.Row`);
  return {
    format: given.format ?? 'auto',
    schema: given.schema,
    message: given.message,
    records: given.records === undefined ? undefined : at('records', given.records, true),
    where: conditions.map(({ path: text, in: values }, i) => ({
      paths: at(conditions.length > 1 ? `where[${i}].path` : 'where.path', text),
      in: values,
    })),
    skipEmpty: given.skip_empty ?? false,
    row: given.row === undefined ? undefined : at('row', given.row),
    fields,
    requestId: at('request_id', given.request_id ?? '$.request_id'),
    carry,
  };
}
