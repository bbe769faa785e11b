import { open } from 'node:fs/promises';
import type { Event } from '../../core/event.ts';
import { eventReader } from './captured-event.ts';
import { openContainer } from './container.ts';

/** Calls back with the events of a file of Capture on this machine, block by block. @throws BatchRefusal where it is none */
export async function readCapture(path: string, work: (events: readonly Event[]) => Promise<void>): Promise<void> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const source = {
      size,
      async read(offset: number, length: number) {
        const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
        return bytes.subarray(0, bytesRead);
      },
    };
    const container = await openContainer(source);
    const read = await eventReader(container.schema);
    await container.eachBlock({ from: container.from, to: size }, (records, count) => work(read(records, count)));
  } finally {
    await handle.close();
  }
}
