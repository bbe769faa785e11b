import { writeTriplet } from './digits.ts';

/** Powers of ten that a double holds exactly. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);

/**
 * A float32 as the nearest number of nine significant digits, which tell any two float32 apart. As a double it would be written with
 * seventeen, half of them noise: 0.8937440514564514 where the model meant 0.893744051.
 */
export function shortFloat(value: number): number {
  const places = decimalPlaces(Math.abs(value));
  if (places < 0) return Number(value.toPrecision(9));
  const scale = POWERS[places] as number;
  return Math.round(value * scale) / scale;
}

/** Decimal places that leave nine significant digits of a magnitude from 10^-6 up to 10^9; -1 outside. */
function decimalPlaces(magnitude: number): number {
  if (magnitude >= 0.1 && magnitude < 1) return 9;
  if (!(magnitude >= 1e-6 && magnitude < 1e9)) return -1;
  let places = 14;
  for (let bound = 1e-5; magnitude >= bound; bound *= 10) places--;
  return Math.max(places, 0);
}

const [ZERO, DOT, MINUS] = [48, 46, 45];

/** Writes `shortFloat(value)` as JSON.stringify would; returns its end. Takes up to 25 bytes. */
export function writeShortFloat(into: Buffer, start: number, value: number): number {
  const magnitude = Math.abs(value);
  const places = decimalPlaces(magnitude);
  const digits = places < 9 ? 0 : Math.round(magnitude * (POWERS[places] as number));
  // One that rounds up to a power of ten has ten digits; what has a whole part is rare among probabilities.
  if (places < 9 || digits >= 1e9) return start + into.write(String(shortFloat(value)), start, 'latin1');
  let at = start;
  if (value < 0) into[at++] = MINUS;
  into[at++] = ZERO;
  into[at++] = DOT;
  for (let zeros = places - 9; zeros > 0; zeros--) into[at++] = ZERO;
  // By 32 bits: the engine divides those by a constant without a division.
  const whole = digits | 0;
  const high = (whole / 1e6) | 0;
  const rest = (whole - high * 1e6) | 0;
  const middle = (rest / 1e3) | 0;
  at = writeTriplet(into, at, high);
  at = writeTriplet(into, at, middle);
  at = writeTriplet(into, at, rest - middle * 1e3);
  while (into[at - 1] === ZERO) at--;
  return at;
}
