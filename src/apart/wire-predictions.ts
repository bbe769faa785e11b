import type { ModelVersion } from '../core/model.ts';
import { InputTensors } from '../core/open-inference.ts';
import type { Answered, Ending, Refused } from '../core/outcome.ts';
import type { Request } from '../core/request.ts';
import { receiveError, type SentError, sendError } from './wire-errors.ts';

/** A request that came from no event, as it travels between processes: what makes an object of a class again stands beside it. */
export interface SentRequest {
  readonly request: Omit<Request, 'text' | 'features'>;
  readonly features: { readonly tensors: InputTensors['inputs'] } | { readonly value: unknown };
}

export function sendRequest({ text: _, features, ...request }: Request): SentRequest {
  return { request, features: features instanceof InputTensors ? { tensors: features.inputs } : { value: features } };
}

export function receiveRequest({ request, features }: SentRequest): Request {
  return { ...request, features: 'tensors' in features ? new InputTensors(features.tensors) : features.value };
}

/** A model version by what another process knows it by, too. */
export interface VersionName {
  readonly name: string;
  readonly version: string;
  readonly label: string;
}

export type SentEnding =
  | (Omit<Answered, 'version' | 'runs'> & { readonly version: VersionName })
  | (Omit<Refused, 'version' | 'error'> & { readonly error: SentError; readonly version: VersionName | undefined });

export function sendEnding(ending: Ending): SentEnding {
  if (ending.kind === 'refused') {
    const { kind, error, version, variant, failedAtMs } = ending;
    return { kind, error: sendError(error), version: version && nameOf(version), variant, failedAtMs };
  }
  const { kind, version, predictions, rows, errors, several, requestedVersion, fallback, variant } = ending;
  const { degraded, cached, scoredAtMs, modelMs } = ending;
  const answer = { predictions, rows, errors, several, requestedVersion, fallback, variant };
  return { kind, version: nameOf(version), ...answer, degraded, cached, scoredAtMs, modelMs };
}

/** @param find the version of that name in this process */
export async function receiveEnding(
  sent: SentEnding,
  find: (name: VersionName) => Promise<ModelVersion>,
): Promise<Ending> {
  if (sent.kind === 'answered') return { ...sent, version: await find(sent.version) };
  const { error, version, ...rest } = sent;
  return { ...rest, error: receiveError(error), version: version && (await find(version)) };
}

function nameOf({ name, version, label }: ModelVersion): VersionName {
  return { name, version, label };
}
