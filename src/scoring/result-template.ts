import type { ModelVersion } from '../core/model.ts';
import type { Answered } from '../core/outcome.ts';
import type { ClassLabel, Prediction } from '../core/prediction.ts';
import type { Request } from '../core/request.ts';
import { latencyOf, TimeFormat } from '../core/times.ts';

/** The contract's results of one model version. Written by hand: JSON.stringify of the same takes twice as long. */
export class ResultTemplate {
  readonly #model: string;
  readonly #classes: readonly ClassLabel[];
  /** `"No":`, `,"Yes":` */
  readonly #classKeys: readonly string[];
  readonly #enqueued = new TimeFormat();
  readonly #scored = new TimeFormat();

  constructor({ name, label, card }: ModelVersion) {
    this.#model = `,"model":${quote(name)},"model_version":${quote(label)}`;
    this.#classes = card.outputs.classes ?? [];
    this.#classKeys = this.#classes.map((name, i) => `${i > 0 ? ',' : ''}${quote(String(name))}:`);
  }

  render(request: Request, ending: Answered): string {
    const { resultId, requestId, enqueuedAtMs } = request;
    const { predictions, several, scoredAtMs } = ending;
    const id = quote(resultId);
    const echo =
      requestId === undefined ? id : typeof requestId === 'string' ? quote(requestId) : JSON.stringify(requestId);
    const answer = several
      ? `,"predictions":[${predictions.map(prediction => `{${this.#prediction(prediction)}}`).join(',')}]`
      : `,${this.#prediction(predictions[0] as Prediction)}`;
    return (
      `{"request_id":${echo},"result_id":${id}${this.#model}${flags(ending)}${answer}` +
      `,"enqueued_at":"${this.#enqueued.iso(enqueuedAtMs)}","timestamp":"${this.#scored.iso(scoredAtMs)}"` +
      `,"latency_ms":${latencyOf(scoredAtMs, enqueuedAtMs)},"model_ms":${Math.round(ending.modelMs * 1000) / 1000}}`
    );
  }

  #prediction({ prediction, probabilities, confidence, outputs }: Prediction): string {
    let json = `"prediction":${typeof prediction === 'number' ? prediction : JSON.stringify(prediction)}`;
    if (Array.isArray(probabilities)) json += `,"probabilities":[${probabilities.join(',')}]`;
    else if (probabilities !== undefined) json += `,"probabilities":{${this.#byClass(probabilities)}}`;
    if (confidence !== undefined) json += `,"confidence":${confidence}`;
    if (outputs !== undefined) json += `,"outputs":${JSON.stringify(outputs)}`;
    return json;
  }

  #byClass(probabilities: NonNullable<Prediction['probabilities']>): string {
    let json = '';
    for (let i = 0; i < this.#classes.length; i++) {
      json +=
        (this.#classKeys[i] as string) + (probabilities as Record<ClassLabel, number>)[this.#classes[i] as ClassLabel];
    }
    return json;
  }
}

/** What is out of the ordinary, with a comma before it. */
function flags({ requestedVersion, fallback, variant, cached, degraded }: Answered): string {
  let json = '';
  if (requestedVersion !== undefined) json += `,"requested_version":${quote(requestedVersion)}`;
  if (fallback) json += ',"fallback":true';
  if (variant !== undefined) json += `,"variant":${quote(variant)}`;
  if (cached) json += ',"cached":true';
  if (degraded) json += ',"degraded":true';
  return json;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A JSON string; most need no escapes, and looking costs a third of JSON.stringify. */
function quote(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}
