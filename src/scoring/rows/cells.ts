import type { Feature } from '../../core/model.ts';
import type { TensorData, TensorType } from '../../core/tensor.ts';
import { mismatch, type Store, type Subject, storeBig, storeFor, toNumber, toText } from './elements.ts';

/** Writes what an instance gives for one scalar feature into its columns. @throws RequestError where it does not fit. */
export type Cell = (value: unknown, data: TensorData, at: number) => void;

const MAX_NAMED_CATEGORIES = 10;

/** Columns a scalar feature takes. */
export function widthOf(feature: Feature): number {
  return feature.encode === 'onehot' ? (feature.categories?.length ?? 1) : 1;
}

/** @throws TypeError where the card asks for what the input's type cannot hold. */
export function cellFor(feature: Feature, type: TensorType, subject: Subject): Cell {
  if (feature.encode !== undefined) return categoryCell(feature, type, subject);
  if (type === 'string') return textCell(feature, subject);
  if (feature.type !== 'number') throw new TypeError(`feature ${feature.name} is text, input ${feature.input} ${type}`);
  return numberCell(feature, type, subject);
}

function numberCell(feature: Feature, type: TensorType, subject: Subject): Cell {
  const { fill, range, scale } = feature;
  const store = storeFor(type);
  const exact = (type === 'int64' || type === 'uint64') && scale === undefined ? type : undefined;
  return (given, data, at) => {
    const value = isMissing(given) ? fill : given;
    if (value === undefined) throw missing(subject);
    const number = (type === 'bool' ? flagOf(value) : undefined) ?? toNumber(value, subject);
    if (range !== undefined && (number < range[0] || number > range[1])) {
      throw mismatch(subject, 'is outside its range', `${range[0]} to ${range[1]}`);
    }
    if (exact !== undefined && typeof value === 'string' && isDigits(value)) {
      storeBig(data, at, BigInt(value.trim().replace(/^\+/, '')), exact, subject);
    } else {
      store(data, at, scale === undefined ? number : (number - scale.mean) / scale.std, subject);
    }
  };
}

function textCell(feature: Feature, subject: Subject): Cell {
  const { fill, categories, unknown } = feature;
  const known = categories && new Set(categories);
  return (given, data, at) => {
    const value = isMissingText(given, feature) ? fill : given;
    if (value === undefined) throw missing(subject);
    const text = toText(typeof value === 'number' && value === fill ? String(value) : value, subject);
    if (known !== undefined && unknown === 'error' && !known.has(text)) {
      throw text === '' ? missing(subject) : unknownCategory(subject, categories ?? []);
    }
    (data as string[])[at] = text;
  };
}

/** Texts as numbers: a column a category holding 1 or 0, or one column holding the category's place. Others are all zeros, or -1. */
function categoryCell(feature: Feature, type: TensorType, subject: Subject): Cell {
  const { fill, categories = [], encode, unknown } = feature;
  const places = new Map(categories.map((category, place) => [category, place]));
  const store: Store = storeFor(type);
  return (given, data, at) => {
    const value = isMissingText(given, feature) ? fill : given;
    if (value === undefined) throw missing(subject);
    const place =
      places.get(toText(typeof value === 'number' && value === fill ? String(value) : value, subject)) ?? -1;
    if (place < 0 && unknown === 'error') throw unknownCategory(subject, categories);
    if (encode === 'ordinal') return store(data, at, place, subject);
    for (let column = 0; column < categories.length; column++)
      store(data, at + column, column === place ? 1 : 0, subject);
  };
}

/** null and absent; an empty text is a value like any other, unless the card has a fill for it. */
function isMissingText(value: unknown, { type, fill }: Feature): boolean {
  if (value === undefined || value === null) return true;
  return value === '' && (fill !== undefined || type === 'number');
}

/** null, absent, and an empty text; spreadsheets write blanks for the latter. */
function isMissing(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** A flag as tables write it: pandas `True`, SQL `true`; undefined for what is none. */
function flagOf(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim().toLowerCase();
  return text === 'true' ? 1 : text === 'false' ? 0 : undefined;
}

function isDigits(value: string): boolean {
  return /^\s*[+-]?\d+\s*$/.test(value);
}

function missing(subject: Subject): Error {
  return mismatch(subject, 'is missing', 'a value for it, having none to fill in');
}

function unknownCategory(subject: Subject, categories: readonly string[]): Error {
  const named = categories.slice(0, MAX_NAMED_CATEGORIES).join(', ');
  const more = categories.length > MAX_NAMED_CATEGORIES ? ` and ${categories.length - MAX_NAMED_CATEGORIES} more` : '';
  return mismatch(subject, 'is a text outside its categories', `${named}${more}`);
}
