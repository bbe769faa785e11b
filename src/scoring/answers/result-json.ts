import type { ModelVersion } from '../../core/model.ts';
import type { ClassLabel, Prediction } from '../../core/prediction.ts';
import type { Route } from '../../core/routing.ts';

/*
 * How a result reads, member by member, in their order. The only place that knows: results are written as bytes from these pieces, and read back where
 * somebody wants an object.
 *
 *   {"request_id":…,"result_id":"…","model":"…","model_version":"…"<flags>,<answer>[,"carried":{…}],"enqueued_at":"…","timestamp":"…","latency_ms":…,"model_ms":…}
 */

export const OPENING = '{"request_id":';
export const RESULT_ID = ',"result_id":';

/** Of the answer to a list of instances: each stands between braces of its own, behind its id where it has one; null stands for one that has none. */
export const SEVERAL = {
  opening: '"predictions":[',
  row: '{',
  rowOfId: '{"id":',
  none: 'null',
  closing: ']',
  errors: ',"errors":',
} as const;

/** From the result id to the answer. */
export function aboutJson({ name, label }: ModelVersion, flags: string): string {
  return `,"model":${quote(name)},"model_version":${quote(label)}${flags},`;
}

/** What is out of the ordinary about a result, with a comma before each. */
export function flagsJson(
  { requestedVersion, fallback, variant }: Route,
  { cached, degraded }: { readonly cached: boolean; readonly degraded: boolean },
): string {
  let json = '';
  if (requestedVersion !== undefined) json += `,"requested_version":${quote(requestedVersion)}`;
  if (fallback) json += ',"fallback":true';
  if (variant !== undefined) json += `,"variant":${quote(variant)}`;
  if (cached) json += ',"cached":true';
  if (degraded) json += ',"degraded":true';
  return json;
}

export const PREDICTION = '"prediction":';
export const CONFIDENCE = ',"confidence":';

/** The pieces of a classifier's answer around its numbers. */
export function classAnswerJson(classes: readonly ClassLabel[]) {
  const keys = classKeys(classes);
  return {
    /** By predicted class: up to the first probability. */
    heads: classes.map(name => `${PREDICTION}${JSON.stringify(name)},"probabilities":{${keys[0]}`),
    /** Before each probability but the first. */
    keys: keys.map((key, i) => (i === 0 ? '' : `,${key}`)),
    /** By predicted class: the whole answer where its scores are no probabilities. */
    bare: classes.map(name => `${PREDICTION}${JSON.stringify(name)}`),
    /** Between the last probability and the confidence. */
    confidence: `}${CONFIDENCE}`,
  };
}

function classKeys(classes: readonly ClassLabel[]): readonly string[] {
  return classes.map(name => `${quote(String(name))}:`);
}

/** Writes predictions of a version with these classes as the members of an answer. */
export function answerWriter(classes: readonly ClassLabel[]): (prediction: Prediction) => string {
  const keys = classKeys(classes);
  const names = classes.map(String);
  const byClass = (probabilities: Readonly<Record<string, number>>) =>
    names.map((name, i) => `${keys[i]}${probabilities[name]}`).join(',');
  return ({ prediction, probabilities, confidence, outputs }) => {
    let json = `${PREDICTION}${typeof prediction === 'number' ? prediction : JSON.stringify(prediction)}`;
    if (Array.isArray(probabilities)) json += `,"probabilities":[${probabilities.join(',')}]`;
    else if (probabilities !== undefined) {
      json += `,"probabilities":{${byClass(probabilities as Readonly<Record<string, number>>)}}`;
    }
    if (confidence !== undefined) json += `${CONFIDENCE}${confidence}`;
    if (outputs !== undefined) json += `,"outputs":${JSON.stringify(outputs)}`;
    return json;
  };
}

/** @param carried JSON of what the card's mapping copies */
export function carriedJson(carried: string): string {
  return `,"carried":${carried}`;
}

/** @param modelMs milliseconds; shown to a thousandth */
export function endingJson(enqueuedAt: string, timestamp: string, latencyMs: number, modelMs: number): string {
  return (
    `,"enqueued_at":"${enqueuedAt}","timestamp":"${timestamp}"` +
    `,"latency_ms":${latencyMs},"model_ms":${Math.round(modelMs * 1000) / 1000}}`
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A JSON string; most need no escapes, and looking costs a third of JSON.stringify. */
export function quote(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}
