import { asError } from '../core/errors.ts';
import type { RawCard } from './card.ts';

/** Tries the schema of a card's `input`, so that it is refused before its events come. @throws Error that names the file. */
export async function checkSchema({ input }: RawCard, file: string): Promise<void> {
  try {
    if (input?.format === 'avro' && input.schema !== undefined) {
      const { default: avsc } = await import('avsc');
      avsc.Type.forSchema(input.schema as Parameters<typeof avsc.Type.forSchema>[0]);
    }
    if (input?.format === 'protobuf' && typeof input.schema === 'string') {
      const { default: protobuf } = await import('protobufjs');
      protobuf.parse(input.schema, { keepCase: true }).root.resolveAll().lookupType(String(input.message));
    }
  } catch (thrown) {
    throw new Error(`${file}: input.schema: ${asError(thrown).message}`, { cause: thrown });
  }
}
