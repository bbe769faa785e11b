/** What follows a byte of MessagePack: how many bytes tell a length, how many are the value's own. */
const LENGTH_BYTES: Readonly<Record<number, number>> = {
  196: 1,
  197: 2,
  198: 4,
  199: 1,
  200: 2,
  201: 4,
  217: 1,
  218: 2,
  219: 4,
  220: 2,
  221: 4,
  222: 2,
  223: 4,
};
const VALUE_BYTES: Readonly<Record<number, number>> = {
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
  212: 2,
  213: 3,
  214: 5,
  215: 9,
  216: 17,
};

/**
 * The library makes room for as many items as a list says it has, and a list of millions takes five bytes to announce, in another, and another: what is
 * announced must fit into the bytes that are left, one each at least.
 * @throws RangeError where it does not.
 */
export function checkCounts(body: Buffer): void {
  let pending = 1;
  let at = 0;
  while (pending > 0 && at < body.length) {
    const byte = body[at++] as number;
    pending--;
    if (byte >= 0xc0 && byte < 0xe0) {
      const lengthBytes = LENGTH_BYTES[byte] ?? 0;
      const length = lengthBytes > 0 && at + lengthBytes <= body.length ? body.readUIntBE(at, lengthBytes) : 0;
      at += lengthBytes + (VALUE_BYTES[byte] ?? 0);
      if (byte >= 0xdc) pending += byte >= 0xde ? 2 * length : length;
      else at += length + (byte >= 0xc7 && byte <= 0xc9 ? 1 : 0);
    } else if (byte >= 0xa0 && byte < 0xc0) at += byte & 0x1f;
    else if (byte >= 0x90 && byte < 0xa0) pending += byte & 0x0f;
    else if (byte >= 0x80 && byte < 0x90) pending += 2 * (byte & 0x0f);
    if (pending > body.length - at) throw new RangeError('it announces more than it holds');
  }
}
