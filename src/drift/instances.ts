import { InputTensors } from '../core/open-inference.ts';
import type { Profile } from './profile.ts';

type Row = readonly unknown[];

/**
 * The instances of a request as values by the place of their feature, in any form that scoring accepts: lists, objects by name, whole tensors, packs. What is none of
 * these has ended as a dead letter, and is left out here.
 * @param isPack the request gives a list of instances, be it of one
 */
export function rowsOf(features: unknown, isPack: boolean, profile: Profile): readonly Row[] {
  if (features instanceof InputTensors) return rowsOfTensors(features, profile);
  const list = isPack || isSeveral(features, profile) ? (features as readonly unknown[]) : [features];
  return list.flatMap(instance => rowOf(instance, profile) ?? []);
}

function isSeveral(features: unknown, { features: { length: width } }: Profile): boolean {
  if (!Array.isArray(features)) return false;
  const [first] = features;
  if (typeof first !== 'object' || first === null) return width === 1 && features.length !== 1;
  return !(width > 1 && features.length === width && features.some(value => typeof value !== 'object'));
}

function rowOf(instance: unknown, profile: Profile): [Row] | undefined {
  const { features } = profile;
  if (Array.isArray(instance)) return instance.length === features.length ? [instance.map(alone)] : undefined;
  if (typeof instance !== 'object' || instance === null) return features.length === 1 ? [[instance]] : undefined;
  const object = instance as Readonly<Record<string, unknown>>;
  return [
    features.map(({ name, input }, place) => alone(object[name] ?? ofInput(object, name, input, place, profile))),
  ];
}

/** A whole input's values by the input's name. */
function ofInput(
  object: Readonly<Record<string, unknown>>,
  name: string,
  input: string | undefined,
  place: number,
  profile: Profile,
) {
  if (input === undefined || input === name) return undefined;
  const values = object[input];
  return Array.isArray(values) ? values[placeInInput(input, place, profile)] : undefined;
}

function placeInInput(input: string, place: number, { features }: Profile): number {
  return features.slice(0, place).filter(feature => feature.input === input).length;
}

/** One value may stand in a list of its own. */
function alone(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}

function rowsOfTensors({ inputs }: InputTensors, profile: Profile): readonly Row[] {
  const { features } = profile;
  const rows = inputs[0]?.shape[0] ?? 0;
  const columns = features.map(({ name, input }, place) => {
    const own = inputs.find(tensor => tensor.name === name);
    const whole = inputs.find(tensor => tensor.name === input) ?? (inputs.length === 1 && !own ? inputs[0] : undefined);
    const tensor = own ?? whole;
    if (tensor === undefined || tensor.shape[0] !== rows) return undefined;
    const width = tensor.data.length / Math.max(1, rows);
    const column = own ? 0 : input === undefined ? place : placeInInput(input, place, profile);
    return column < width ? { data: tensor.data, width, column } : undefined;
  });
  return Array.from({ length: rows }, (_, row) => columns.map(found => found?.data[row * found.width + found.column]));
}
