import { asError, InfrastructureError, malformed, RequestError } from '../../core/errors.ts';
import type { Clock } from '../../core/log.ts';

/** A schema as its registry gives it; what it refers to comes first. */
export interface RegisteredSchema {
  readonly type: 'AVRO' | 'JSON' | 'PROTOBUF';
  readonly text: string;
  readonly references: readonly string[];
}

/** What knows schemas by the ids that bodies or content types bear. */
export interface SchemaRegistry {
  /** `confluent`: a body begins with byte 0 and the id; `azure`: the content type ends in the id. */
  readonly kind: 'confluent' | 'azure';
  /** What messages call it. */
  readonly title: string;
  /** @throws RequestError malformed_payload where there is no such schema; InfrastructureError where that cannot be learned now. */
  schemaOf(id: string): RegisteredSchema | Promise<RegisteredSchema>;
}

/** Where schemas are fetched: undefined where there is none of that id. @throws Error where it does not answer. */
export type FetchSchema = (id: string, signal: AbortSignal) => Promise<RegisteredSchema | undefined>;

/** Schemas never change once they have an id; one that is not there may come. */
const ABSENT_MS = 30_000;
/** Left alone for so long after it failed: the host brings the batch again soon enough. */
const AWAY_MS = 1_000;
const TIMEOUT_MS = 10_000;
/** Ids come from producers. */
const MAX_ABSENT = 1_000;

/** Remembers what it was told; ids that many wait for are asked for once. */
export function createSchemaRegistry(
  about: Pick<SchemaRegistry, 'kind' | 'title'>,
  fetchSchema: FetchSchema,
  clock: Clock,
): SchemaRegistry {
  const known = new Map<string, RegisteredSchema>();
  const asked = new Map<string, Promise<RegisteredSchema>>();
  const absent = new Map<string, number>();
  let away: { readonly error: InfrastructureError; readonly untilMs: number } | undefined;

  const unknown = (id: string) => malformed(`the schema registry ${about.title} has no schema ${id}`);

  async function ask(id: string): Promise<RegisteredSchema> {
    try {
      const schema = await fetchSchema(id, AbortSignal.timeout(TIMEOUT_MS));
      if (schema === undefined) {
        if (absent.size >= MAX_ABSENT) absent.clear();
        absent.set(id, clock() + ABSENT_MS);
        throw unknown(id);
      }
      known.set(id, schema);
      return schema;
    } catch (thrown) {
      if (thrown instanceof RequestError) throw thrown;
      const message = `schema registry ${about.title}: ${asError(thrown).message}`;
      const error = new InfrastructureError(message, { cause: thrown });
      away = { error, untilMs: clock() + AWAY_MS };
      throw error;
    } finally {
      asked.delete(id);
    }
  }

  return {
    ...about,
    schemaOf(id) {
      const schema = known.get(id);
      if (schema !== undefined) return schema;
      if ((absent.get(id) ?? 0) > clock()) throw unknown(id);
      if (away !== undefined && away.untilMs > clock()) throw away.error;
      let asking = asked.get(id);
      if (asking === undefined) {
        asking = ask(id);
        asked.set(id, asking);
      }
      return asking;
    },
  };
}
