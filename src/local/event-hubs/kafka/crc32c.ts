const POLYNOMIAL = 0x82f63b78; // Castagnoli's, reflected
const LANES = 8;
const LANE = 256;

/** A table a lane, one behind the other: eight bytes go in one step ("slicing by 8"). */
const TABLES = makeTables();

/** CRC-32C, which record batches are guarded by; zlib's crc32 has another polynomial. */
export function crc32c(bytes: Uint8Array): number {
  const table = (lane: number, index: number) => TABLES[lane * LANE + (index & 0xff)] as number;
  const byte = (at: number) => bytes[at] as number;
  let crc = -1;
  let at = 0;
  for (const whole = bytes.length - (bytes.length % LANES); at < whole; at += LANES) {
    const low = crc ^ (byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24));
    crc =
      table(7, low) ^
      table(6, low >>> 8) ^
      table(5, low >>> 16) ^
      table(4, low >>> 24) ^
      table(3, byte(at + 4)) ^
      table(2, byte(at + 5)) ^
      table(1, byte(at + 6)) ^
      table(0, byte(at + 7));
  }
  for (; at < bytes.length; at++) crc = table(0, crc ^ byte(at)) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(LANES * LANE);
  for (let i = 0; i < LANE; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[i] = crc;
  }
  for (let i = LANE; i < tables.length; i++) {
    const before = tables[i - LANE] as number;
    tables[i] = (tables[before & 0xff] as number) ^ (before >>> 8);
  }
  return tables;
}
