import type { Event } from '../../core/event.ts';
import type { Outcome, ScoredBatch, SliceTiming } from '../../core/outcome.ts';
import type { ResultWriter } from '../answers/result-writer.ts';

/** A batch whose results can be written at once; its outcomes as objects are made only where somebody needs them one by one. */
export class BlockBatch implements ScoredBatch {
  readonly block: ResultWriter;
  readonly slices: readonly SliceTiming[];
  #outcomes: readonly Outcome[] | undefined;

  constructor(block: ResultWriter, slices: readonly SliceTiming[]) {
    this.block = block;
    this.slices = slices;
  }

  get outcomes(): readonly Outcome[] {
    const { events } = this.block;
    this.#outcomes ??= events.map((event, row) => outcomeOf(this.block, event, row));
    return this.#outcomes;
  }
}

function outcomeOf(block: ResultWriter, event: Event, row: number): Outcome {
  const room = Buffer.allocUnsafe(block.maxBodyBytes);
  const body = room.subarray(0, block.writeBody(row, room, 0));
  return {
    kind: 'result',
    event,
    resultId: block.resultIdPrefix + event.sequenceNumber,
    requestId: block.requestId(row),
    text: undefined,
    model: block.model,
    modelVersion: block.modelVersion,
    variant: undefined,
    body,
    code: undefined,
    latencyMs: block.latencyMs(row),
  };
}
