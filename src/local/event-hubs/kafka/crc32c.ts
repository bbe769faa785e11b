const POLYNOMIAL = 0x82f63b78; // Castagnoli's, reflected
const LANES = 8;

/** One table a lane: eight bytes go in one step ("slicing by 8"). */
const TABLES = makeTables();

/** CRC-32C, which record batches are guarded by; zlib's crc32 has another polynomial. */
export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const byte = (table: Int32Array, index: number) => table[index] as number;
  let crc = -1;
  let at = 0;
  for (const whole = bytes.length - (bytes.length % LANES); at < whole; at += LANES) {
    const low =
      crc ^
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24));
    crc =
      byte(t7, low & 0xff) ^
      byte(t6, (low >>> 8) & 0xff) ^
      byte(t5, (low >>> 16) & 0xff) ^
      byte(t4, low >>> 24) ^
      byte(t3, bytes[at + 4] as number) ^
      byte(t2, bytes[at + 5] as number) ^
      byte(t1, bytes[at + 6] as number) ^
      byte(t0, bytes[at + 7] as number);
  }
  for (; at < bytes.length; at++) crc = byte(t0, (crc ^ (bytes[at] as number)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

function makeTables(): Int32Array[] {
  const tables = Array.from({ length: LANES }, () => new Int32Array(256));
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    (tables[0] as Int32Array)[i] = crc;
  }
  for (let lane = 1; lane < LANES; lane++)
    for (let i = 0; i < 256; i++) {
      const before = tables[lane - 1]?.[i] as number;
      (tables[lane] as Int32Array)[i] = (tables[0]?.[before & 0xff] as number) ^ (before >>> 8);
    }
  return tables;
}
