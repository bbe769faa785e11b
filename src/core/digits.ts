/** `000` to `999`, three bytes each: a division costs 5 ns, and so there is one for three digits. */
const TRIPLETS = Buffer.from(Array.from({ length: 1000 }, (_, i) => String(i).padStart(3, '0')).join(''), 'latin1');
const ZERO = 48;

const POWERS = Array.from({ length: 18 }, (_, exponent) => 10 ** exponent);

/** How many digits a whole number from 0 has; quickest where they are as many as `guess`. */
export function digitsOf(number: number, guess = 1): number {
  if (number < (POWERS[guess] as number) && number >= (POWERS[guess - 1] as number)) return guess;
  let digits = 1;
  while (number >= (POWERS[digits] as number)) digits++;
  return digits;
}

/** Writes a whole number from 0 in decimal, `digits` of them; returns its end. */
export function writeWhole(into: Buffer, start: number, number: number, digits: number): number {
  let rest = number;
  let at = start + digits;
  while (at - start >= 3) {
    at -= 3;
    const high = rest < 1000 ? 0 : Math.floor(rest / 1000);
    writeTriplet(into, at, rest - high * 1000);
    rest = high;
  }
  if (at - start === 2) {
    into[start] = TRIPLETS[rest * 3 + 1] as number;
    into[start + 1] = TRIPLETS[rest * 3 + 2] as number;
  } else if (at - start === 1) into[start] = ZERO + rest;
  return start + digits;
}

/** Writes a number below 1000 as three digits; returns their end. */
export function writeTriplet(into: Buffer, at: number, number: number): number {
  const from = number * 3;
  into[at] = TRIPLETS[from] as number;
  into[at + 1] = TRIPLETS[from + 1] as number;
  into[at + 2] = TRIPLETS[from + 2] as number;
  return at + 3;
}
