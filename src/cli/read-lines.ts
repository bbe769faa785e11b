import { onceAborted } from '../core/waiting.ts';

const NEWLINE = 10;

/** The lines of a stream as bytes, without their newline, so that nothing of them is lost before they are looked at; those read until the signal comes. */
export async function* readLines(input: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<Buffer> {
  let begun: Buffer[] = [];
  const leave = onceAborted(signal, () => (input as Partial<Destroyable>).destroy?.());
  try {
    for await (const chunk of input) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      let from = 0;
      for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
        yield Buffer.concat([...begun, bytes.subarray(from, at)]);
        begun = [];
        from = at + 1;
      }
      if (from < bytes.length) begun.push(bytes.subarray(from));
    }
    if (begun.length > 0) yield Buffer.concat(begun);
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  } finally {
    leave();
  }
}

interface Destroyable {
  destroy(): void;
}
