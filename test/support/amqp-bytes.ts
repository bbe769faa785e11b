import { namespaceAddress } from '../../src/azure/namespace-address.ts';
import { createAmqpConnection } from '../../src/hubs/amqp-connection.ts';

/*
 * AMQP 1.0 by hand, for what no library writes: counts that are wrong, codes that do not exist, nesting without end.
 */

const uint32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

export const HEADER = { sasl: Buffer.from('AMQP\x03\x01\x00\x00'), amqp: Buffer.from('AMQP\x00\x01\x00\x00') };
/** Constructors of types without bytes. */
export const NULL = 0x40;
export const LIST0 = 0x45;

export function frame(type: 'amqp' | 'sasl', ...content: (Uint8Array | number[])[]): Buffer {
  const body = Buffer.concat(content.map(part => Buffer.from(part)));
  return Buffer.from([...uint32(body.length + 8), 2, type === 'sasl' ? 1 : 0, 0, 0, ...body]);
}

/** `described(0x75, …)`: a section of a message, or a frame's performative. */
export const described = (code: number, value: Uint8Array | number[]) =>
  Buffer.concat([Buffer.from([0x00, 0x53, code]), Buffer.from(value)]);

export const symbol = (text: string) => Buffer.from([0xa3, text.length, ...Buffer.from(text)]);
export const text = (value: string) => Buffer.from([0xa1, Buffer.byteLength(value), ...Buffer.from(value)]);

/** A list, a map or an array that says it has `count` elements, whatever it has. */
export function counted(code: 0xd0 | 0xd1 | 0xf0, count: number, content: Uint8Array | number[]): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([code, ...uint32(bytes.length + 4), ...uint32(count)]), bytes]);
}

export const list = (...items: (Uint8Array | number[])[]) =>
  counted(0xd0, items.length, Buffer.concat(items.map(item => Buffer.from(item))));
export const map = (entries: Readonly<Record<string, Uint8Array | number[]>>, key = text) =>
  counted(
    0xd1,
    2 * Object.keys(entries).length,
    Buffer.concat(Object.entries(entries).flatMap(([name, value]) => [key(name), Buffer.from(value)])),
  );

/** Empty lists in lists, so deep; 10 bytes a level. */
export function nestedLists(depth: number): Buffer {
  const bytes = Buffer.alloc(depth * 9 + 1);
  for (let level = 0; level < depth; level++) {
    const at = level * 9;
    bytes[at] = 0xd0;
    bytes.writeUInt32BE(bytes.length - at - 5, at + 1);
    bytes.writeUInt32BE(1, at + 5);
  }
  bytes[bytes.length - 1] = LIST0;
  return bytes;
}

/** A message with nothing but a body. */
export function dataMessage(body: string): Buffer {
  const bytes = Buffer.from(body);
  return described(0x75, Buffer.concat([Buffer.from([0xb0, ...uint32(bytes.length)]), bytes]));
}

/** Sends messages to a partition as the bytes they are. */
export async function sendBytes(
  connectionString: string,
  hub: string,
  partition: string,
  messages: readonly Uint8Array[],
): Promise<void> {
  const connection = createAmqpConnection(await namespaceAddress({ kind: 'connection-string', connectionString }));
  try {
    const { sender } = await connection.openSender(`${hub}/Partitions/${partition}`, new AbortController().signal);
    for (const message of messages) await sender.send(Buffer.from(message), { format: 0 });
  } finally {
    await connection.close();
  }
}
