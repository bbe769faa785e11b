import { isUtf8 } from 'node:buffer';
import type { Event } from '../../core/event.ts';
import type { AuditRecord } from '../../rollouts/audit-record.ts';
import { stateUnder } from '../../rollouts/choose.ts';
import type { DeploymentDocument } from '../../rollouts/document.ts';
import type { ResultId, Trace } from './trace.ts';

/** What an ending says of itself, as far as lineage asks. */
export interface EndingFacts {
  readonly model: string | undefined;
  /** As results name it: `1.1.0+a1b2c3d4`. */
  readonly version: string | undefined;
  readonly requestedVersion: string | undefined;
  readonly scoredAt: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

export function factsOf({ ending }: Trace): EndingFacts | undefined {
  if (ending === undefined) return undefined;
  const { properties } = ending.event;
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(ending.event.body.toString('utf8')) as typeof body;
  } catch {
    // The properties say what is needed most.
  }
  return {
    model: text(properties.model) ?? text(body.model),
    version: text(properties.model_version) ?? text(body.model_version),
    requestedVersion: text(body.requested_version),
    scoredAt: text(body.timestamp) ?? text(body.failed_at),
    body,
  };
}

/** The request as it lies in its hub; `own` is its part of an event that carried several. */
export function requestShown({ hub, partition, sequenceNumber }: ResultId, event: Event, own: string | undefined) {
  const attempts = Number(event.properties.attempts ?? 1);
  const isText = isUtf8(event.body);
  return {
    ...{ hub, partition, sequence_number: sequenceNumber, enqueued_at: new Date(event.enqueuedAtMs).toISOString() },
    ...(event.partitionKey !== undefined && { partition_key: event.partitionKey }),
    ...(event.contentType !== undefined && { content_type: event.contentType }),
    properties: event.properties,
    ...(attempts > 1 && { replayed: true, attempts }),
    body: own ?? event.body.toString(isText ? 'utf8' : 'base64'),
    body_encoding: own !== undefined || isText ? 'utf-8' : 'base64',
  };
}

/** Which rollout chose, in which state of the document; null where none did. */
export function rolloutShown(trace: Trace, document: DeploymentDocument | undefined) {
  const { rollout: id, revision, bucket, variant } = trace.ending?.event.properties ?? {};
  if (text(id) === undefined) return null;
  const state = document && stateUnder(document, Number(revision));
  const { kind, candidate, baseline } = state?.rollout ?? {};
  const enqueuedAtMs = trace.request?.enqueuedAtMs;
  const weight = state?.rollout === undefined || enqueuedAtMs === undefined ? undefined : state.weightAt(enqueuedAtMs);
  return {
    id: text(id),
    revision: Number(revision),
    arm: text(variant),
    bucket: Number(bucket),
    kind,
    candidate,
    baseline,
    weight,
  };
}

/** The newest change of the document before a time; null where the trail has none. */
export function changeBefore(records: readonly AuditRecord[], at: string | undefined) {
  const before = records.filter(record => at === undefined || record.at <= at).at(-1);
  if (before === undefined) return null;
  const { revision, at: changedAt, action, actor, rollout } = before;
  return { revision, at: changedAt, action, actor, rollout };
}

/** What cannot be known, and why, in words. */
export function unknownOf(
  trace: Trace,
  facts: EndingFacts | undefined,
  found: { readonly isReplaced: boolean; readonly hasFiles: boolean; readonly state: boolean; readonly app: boolean },
): string[] {
  const words: string[] = [];
  const { requests, ending, isSettled } = trace;
  if (requests === 'expired')
    words.push(
      'what was asked: the request is older than what its hub keeps; Capture’s files have it, where Capture was on',
    );
  if (ending === undefined)
    words.push(
      isSettled
        ? 'what was answered, and by which version: its ending is older than what its hub keeps'
        : 'what is going to be answered: it has no ending yet',
    );
  if (facts !== undefined && !found.hasFiles) words.push('which files answered: that version is no longer in storage');
  if (found.isReplaced)
    words.push('which files answered: those of that version were replaced since; the hashes are those of now');
  if (!found.state) words.push('which share the rollout had then: its document does not tell any more');
  if (facts !== undefined && !found.app) words.push('which build of the app answered: nothing noted which ran then');
  if (facts?.body.cached === true)
    words.push(
      'which run computed it: the result cache keeps the answer alone; the version is the one that computed it',
    );
  if (trace.request !== undefined && Number(trace.request.properties.attempts ?? 1) > 1)
    words.push('which dead letter it was replayed from: its request_id is the same');
  return words;
}

function text(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : undefined;
}
