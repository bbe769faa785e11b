import { asError } from '../core/errors.ts';
import type { RawCard } from './card.ts';

/** Tries the schema of a card's `input`, so that it is refused before its events come. @throws Error that names the file. */
export async function checkSchema({ input }: RawCard, file: string): Promise<void> {
  if (input?.format !== 'avro' || input.schema === undefined) return;
  const { default: avsc } = await import('avsc');
  try {
    avsc.Type.forSchema(input.schema as Parameters<typeof avsc.Type.forSchema>[0]);
  } catch (thrown) {
    throw new Error(`${file}: input.schema: ${asError(thrown).message}`, { cause: thrown });
  }
}
