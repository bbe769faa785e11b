import { type AppSettings, resolveExpressions } from '../app-settings.ts';
import { SetupError } from '../errors.ts';
import type { Call } from '../invoke.ts';
import type { Binding, TypedData } from '../rpc.ts';

/** A queueTrigger binding, its expressions resolved. */
export interface QueueBinding {
  readonly queueName: string;
  /** Name of the connection's setting. */
  readonly connection: string;
  readonly dataType: 'binary' | 'string' | undefined;
}

/** A message as the queue gave it. */
export interface TakenMessage {
  readonly messageId: string;
  readonly popReceipt: string;
  readonly dequeueCount: number;
  readonly insertedOn: Date;
  readonly expiresOn: Date;
  readonly nextVisibleOn: Date;
}

/** @throws SetupError naming the function where the binding lacks something, or a setting that it refers to is missing. */
export function toQueueBinding(functionName: string, binding: Binding, settings: AppSettings): QueueBinding {
  const text = (name: string, fallback?: string) => {
    const value = binding[name] ?? fallback;
    const where = `${name} of function ${functionName}`;
    if (typeof value !== 'string') throw new SetupError(`${where} is missing`);
    return resolveExpressions(value, settings, where);
  };
  const queueName = text('queueName').toLowerCase(); // as the real host does
  if (!/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(queueName)) {
    throw new SetupError(
      `queueName of function ${functionName} is "${queueName}": 3 to 63 letters, digits and single hyphens are taken`,
    );
  }
  const dataType = text('dataType', 'undefined').toLowerCase();
  if (dataType !== 'undefined' && dataType !== 'binary' && dataType !== 'string') {
    throw new SetupError(`dataType of function ${functionName} is "${dataType}"; "binary" and "string" are known`);
  }
  return {
    queueName,
    connection: text('connection', 'AzureWebJobsStorage') || 'AzureWebJobsStorage',
    dataType: dataType === 'undefined' ? undefined : dataType,
  };
}

/** The bytes of a message; undefined where they are not what its encoding says. */
export function decodeMessage(text: string, encoding: 'base64' | 'none'): Buffer | undefined {
  if (encoding === 'none') return Buffer.from(text);
  const body = Buffer.from(text, 'base64');
  return body.toString('base64') === text.trim() ? body : undefined;
}

/** What the real host hands over for a message: the library parses what is JSON. */
export function toCall(binding: QueueBinding, body: Buffer, message: TakenMessage): Call {
  const text = body.toString();
  const input: TypedData = binding.dataType === 'binary' ? { bytes: body } : { string: text };
  const triggerMetadata: Record<string, TypedData> = {
    queueTrigger: { string: text },
    dequeueCount: { int: message.dequeueCount },
    expirationTime: { string: timeOf(message.expiresOn) },
    id: { string: message.messageId },
    insertionTime: { string: timeOf(message.insertedOn) },
    nextVisibleTime: { string: timeOf(message.nextVisibleOn) },
    popReceipt: { string: message.popReceipt },
  };
  // A message's own fields take the place of the host's, whatever those were.
  for (const [name, value] of Object.entries(fieldsOf(text))) triggerMetadata[name] = { json: JSON.stringify(value) };
  return { input, triggerMetadata };
}

function fieldsOf(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

const timeOf = (time: Date) => `${time.toISOString().slice(0, 19)}+00:00`;
