import { InvalidArgumentError } from 'commander';

/** An option's value as a number above 0. @throws InvalidArgumentError */
export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('a number above 0 is needed');
  return value;
}

/** As a whole number above 0. @throws InvalidArgumentError */
export function whole(text: string): number {
  const value = Number(text);
  if (!(Number.isSafeInteger(value) && value > 0)) throw new InvalidArgumentError('a whole number above 0 is needed');
  return value;
}

/** As 0 or a number above. @throws InvalidArgumentError */
export function notNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('0 or a number above is needed');
  }
  return value;
}
