import { type AppSettings, resolveExpressions } from '../app-settings.ts';
import { SetupError } from '../errors.ts';
import type { Call } from '../invoke.ts';
import type { Binding, TypedData } from '../rpc.ts';
import { batchMetadata, eventMetadata, type PartitionContext } from './metadata.ts';
import type { ReceivedEvent } from './received-event.ts';

/** An eventHubTrigger binding, its expressions resolved. */
export interface EventHubBinding {
  readonly eventHubName: string;
  readonly consumerGroup: string;
  /** Name of the connection's setting. */
  readonly connection: string;
  readonly cardinality: 'one' | 'many';
  readonly dataType: 'binary' | 'string' | undefined;
}

/** @throws SetupError naming the function where the binding lacks something, or a setting that it refers to is missing. */
export function toEventHubBinding(functionName: string, binding: Binding, settings: AppSettings): EventHubBinding {
  const text = (name: string, fallback?: string) => {
    const value = binding[name] ?? fallback;
    const where = `${name} of function ${functionName}`;
    if (typeof value !== 'string') throw new SetupError(`${where} is missing`);
    return resolveExpressions(value, settings, where);
  };
  const dataType = text('dataType', 'undefined').toLowerCase();
  if (dataType !== 'undefined' && dataType !== 'binary' && dataType !== 'string') {
    throw new SetupError(`dataType of function ${functionName} is "${dataType}"; "binary" and "string" are known`);
  }
  return {
    eventHubName: text('eventHubName'),
    consumerGroup: text('consumerGroup', '$Default'),
    connection: text('connection'),
    cardinality: text('cardinality', 'one').toLowerCase() === 'many' ? 'many' : 'one',
    dataType: dataType === 'undefined' ? undefined : dataType,
  };
}

/**
 * What the real host hands over for a batch, or for one event where the cardinality is one.
 * @throws Error where no data type is given and a body is not JSON: then the whole batch fails before its function is called.
 */
export function toCall(binding: EventHubBinding, events: readonly ReceivedEvent[], partition: PartitionContext): Call {
  const [first] = events;
  if (binding.cardinality === 'one' && first) {
    return {
      input: oneInput(binding.dataType, first.body),
      contextMetadata: eventMetadata(first, partition, binding.dataType !== 'binary'),
    };
  }
  return {
    input: manyInput(
      binding.dataType,
      events.map(({ body }) => body),
    ),
    contextMetadata: batchMetadata(events, partition),
  };
}

function manyInput(dataType: EventHubBinding['dataType'], bodies: Buffer[]): TypedData {
  if (dataType === 'binary') return { collectionBytes: { bytes: bodies } };
  // Empty texts are left out, as the real host leaves them out.
  if (dataType === 'string') return { collectionString: { string: bodies.map(String).filter(Boolean) } };
  return { json: JSON.stringify(bodies.map(parseBody)) };
}

function oneInput(dataType: EventHubBinding['dataType'], body: Buffer): TypedData {
  return dataType === 'binary' ? { bytes: body } : { string: body.toString() };
}

function parseBody(body: Buffer, index: number): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw new Error(
      `event ${index + 1} of the batch is not JSON, which fails the whole batch; with dataType "binary" or "string" any body is taken`,
      { cause: error },
    );
  }
}
