import type { Event } from '../../core/event.ts';
import type { Outcome, ScoredBatch, SliceTiming } from '../../core/outcome.ts';
import type { RequestId } from '../../core/request.ts';
import type { ResultBlock } from '../../core/result-block.ts';

/** A batch scored on the fast road; its outcomes as objects are made only where somebody needs them one by one. */
export class BlockBatch implements ScoredBatch {
  readonly block: ResultBlock;
  readonly slices: readonly SliceTiming[];
  #outcomes: readonly Outcome[] | undefined;

  constructor(block: ResultBlock, slices: readonly SliceTiming[]) {
    this.block = block;
    this.slices = slices;
  }

  get outcomes(): readonly Outcome[] {
    const { events } = this.block;
    this.#outcomes ??= events.map((event, row) => outcomeOf(this.block, event, row));
    return this.#outcomes;
  }
}

function outcomeOf(block: ResultBlock, event: Event, row: number): Outcome {
  const room = Buffer.allocUnsafe(block.maxBodyBytes);
  const body = room.subarray(0, block.writeBody(row, room, 0));
  return {
    kind: 'result',
    event,
    resultId: block.resultIdPrefix + event.sequenceNumber,
    requestId: (JSON.parse(event.body.toString('utf8')) as { request_id?: RequestId }).request_id,
    text: undefined,
    model: block.model,
    modelVersion: block.modelVersion,
    variant: undefined,
    body,
    code: undefined,
    latencyMs: block.latencyMs(row),
  };
}
