import { z } from 'zod';
import { closest } from '../core/closest.ts';
import type { Loader } from '../core/loader.ts';
import type { Log } from '../core/log.ts';
import { cardSchema } from './card.ts';

/** What people write about a part of a card; it changes nothing. */
const REMARKS: ReadonlySet<string> = new Set(['description', 'comment', 'notes', 'unit']);
/** Parts whose fields are people's own. */
const OWN: ReadonlySet<string> = new Set(['prediction', 'example', 'fill', 'files']);
/** Short words at the top are people's own: `label`, `value`. */
const TELLING_LENGTH = 7;

/**
 * Fields of a card that nothing reads, in words, with what was likely meant. At the top fields of one's own are kept and shown (`metrics`, `owner`), so only what is
 * near a field that is read, or is one that belongs elsewhere, is taken for a slip.
 */
export function unknownFields(card: Readonly<Record<string, unknown>>): string[] {
  const top = fieldsOf(cardSchema)!;
  const found: string[] = [];
  for (const [name, value] of Object.entries(card)) {
    const schema = top.get(name);
    if (schema) found.push(...within(value, schema, name));
    else if (value != null) {
      const meant = closest(name, top.keys()) ?? elsewhere(name, top);
      if (meant !== undefined) found.push(`unknown field ${name}; did you mean ${meant}?`);
    }
  }
  return found;
}

function within(value: unknown, schema: z.ZodType, path: string): string[] {
  if (value == null || OWN.has(path.split('.').at(-1) ?? '')) return [];
  if (Array.isArray(value)) {
    const element = elementOf(schema);
    return element ? value.flatMap((each, i) => within(each, element, `${path}[${i}]`)) : [];
  }
  const fields = typeof value === 'object' ? fieldsOf(schema) : undefined;
  if (!fields) return [];
  return Object.entries(value as object).flatMap(([name, part]) => {
    const known = fields.get(name);
    if (known) return within(part, known, `${path}.${name}`);
    if (REMARKS.has(name) || part == null) return [];
    const meant = closest(name, fields.keys());
    const hint = meant === undefined ? `; there are ${[...fields.keys()].join(', ')}` : `; did you mean ${meant}?`;
    return [`unknown field ${path}.${name}${hint}`];
  });
}

/** `outputs.threshold` for a threshold that stands at the top. */
function elsewhere(name: string, top: ReadonlyMap<string, z.ZodType>): string | undefined {
  if (name.length < TELLING_LENGTH) return undefined;
  for (const part of ['outputs', 'batching', 'runtime']) {
    const meant = closest(name, fieldsOf(top.get(part)!)?.keys() ?? []);
    if (meant !== undefined && meant.length >= TELLING_LENGTH) return `${part}.${meant}`;
  }
  return undefined;
}

/** The object that a schema is at last, beneath what makes it optional. */
function fieldsOf(schema: z.ZodType): ReadonlyMap<string, z.ZodType> | undefined {
  const bare = beneath(schema);
  return bare instanceof z.ZodObject ? new Map(Object.entries(bare.shape as Record<string, z.ZodType>)) : undefined;
}

function elementOf(schema: z.ZodType): z.ZodType | undefined {
  const bare = beneath(schema);
  return bare instanceof z.ZodArray ? (bare.element as z.ZodType) : undefined;
}

function beneath(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodPipe) {
    return beneath((schema.out instanceof z.ZodTransform ? schema.in : schema.out) as z.ZodType);
  }
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault) {
    return beneath(schema.unwrap() as z.ZodType);
  }
  return schema;
}

/** The same loaders, which say once of each version what its card has and nothing reads. */
export function warningOfUnknownFields(loaders: readonly Loader[], log: Log): readonly Loader[] {
  const said = new Set<string>();
  return loaders.map(loader => ({
    ...loader,
    open(source) {
      const words = `${source.title.replace(/model\.onnx$/, 'model.json')}: ${unknownFields(source.card).join('; ')}`;
      if (!words.endsWith(': ') && !said.has(words)) log.warn(`${words}; it serves without`);
      said.add(words);
      return loader.open(source);
    },
  }));
}
