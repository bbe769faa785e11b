import { createDeadLetterRenderer } from '../codecs/event-json/dead-letter.ts';
import { type Decoded, isRequest } from '../codecs/event-json/event-json.ts';
import { RequestError } from '../core/errors.ts';
import type { EventBatch } from '../core/event.ts';
import type { Clock } from '../core/log.ts';
import type { Answered, Ending, Outcome } from '../core/outcome.ts';
import type { EventRequest } from '../core/request.ts';
import { latencyOf } from '../core/times.ts';
import { stagesOf } from './stages.ts';

/** Renders a batch: `endings` are those of the requests among `decoded`, in order. */
export type Renderer = (
  batch: EventBatch,
  decoded: readonly Decoded[],
  endings: readonly Ending[],
) => readonly Outcome[];

/** @param maxBodyBytes largest body of a result, or of a dead letter */
export function createRenderer(maxBodyBytes: number, clock: Clock): Renderer {
  const deadLetter = createDeadLetterRenderer(maxBodyBytes, clock);

  return (batch, decoded, endings) => {
    let next = 0;
    return decoded.map(item => {
      if (!isRequest(item)) return deadLetter(batch, { ...item, modelVersion: undefined }, item.error);
      const ending = endings[next++] as Ending;
      if (ending.kind === 'answered') return result(batch, item, ending);
      const { version, variant, error } = ending;
      return deadLetter(
        batch,
        { ...item, model: version?.name ?? item.model, modelVersion: version?.label, variant },
        error,
      );
    });
  };

  function result(batch: EventBatch, request: EventRequest, ending: Answered): Outcome {
    const { event, resultId, requestId, text } = request;
    const { version, variant } = ending;
    const body = Buffer.from(stagesOf(version).template.render(request, ending));
    const outcome: Outcome = {
      kind: 'result',
      event,
      resultId,
      requestId,
      text,
      model: version.name,
      modelVersion: version.label,
      variant,
      body,
      code: undefined,
      latencyMs: latencyOf(ending.scoredAtMs, event.enqueuedAtMs),
    };
    if (body.length <= maxBodyBytes) return outcome;
    const message = `the result has ${body.length} bytes; at most ${maxBodyBytes} can be sent`;
    return deadLetter(batch, outcome, new RequestError('result_too_large', 'send', message));
  }
}
