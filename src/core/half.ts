const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** A number's IEEE 754 half-precision bits, rounded to nearest even; magnitudes below 65,520. */
export function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  // Below 2^-14 halves are subnormal: multiples of 2^-24. Above, ten bits of fraction follow the leading one.
  const step = magnitude < 2 ** -14 ? 2 ** -24 : 2 ** (Math.floor(Math.log2(magnitude)) - 10);
  float[0] = roundToEven(magnitude / step) * step;
  const single = bits[0] as number;
  const exponent = (single >>> 23) - 127;
  if (exponent < -14) return sign | Math.round((float[0] as number) / 2 ** -24);
  return sign | ((exponent + 15) << 10) | ((single >>> 13) & 0x3ff);
}

/** The number that half-precision bits stand for. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
