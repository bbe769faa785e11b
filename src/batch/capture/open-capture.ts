import { type DecodedRequest, type Decoder, isPassedOver, isRequest } from '../../core/codec.ts';
import { RequestError } from '../../core/errors.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import type { BatchTable } from '../batch-table.ts';
import { ValueCells } from '../cells.ts';
import { everySo } from '../every-so.ts';
import { outputFormOf } from '../output-form.ts';
import { BatchRefusal } from '../problems.ts';
import type { BatchOptions, Range, RangeResult, Source } from '../range.ts';
import { ScoredRows } from '../scored-rows.ts';
import { headerOf } from '../writer.ts';
import { eventReader, type ReadEvents } from './captured-event.ts';
import { type Container, openContainer } from './container.ts';

/** What rows are called by in the output. */
export const REQUEST_ID = 'request_id';
const MAX_RAW_LENGTH = 4096;

/**
 * Files of Event Hubs Capture: each event is read as the stream would, each instance of its requests is a row. Requests for other models are passed over.
 * @throws BatchRefusal; InfrastructureError
 */
export async function openCapture(
  source: Source,
  scorer: TableScorer,
  options: BatchOptions,
  decoder: Decoder | undefined,
): Promise<BatchTable> {
  if (decoder === undefined) throw new BatchRefusal('files of Capture are scored by `batch score` alone');
  if (options.idColumn !== REQUEST_ID)
    throw new BatchRefusal(`rows of a captured hub are called by their ${REQUEST_ID}; that is their id column`);
  const container = await openContainer(source);
  const read = await eventReader(container.schema);
  const output = outputFormOf(scorer.version, options);
  const kept = options.includeFeatures ? ['features'] : [];
  const parts: Parts = { container, read, decoder, scorer };
  return {
    header: headerOf(output, options, REQUEST_ID, kept),
    from: container.from,
    to: source.size,
    cuts: bytes => everySo(container.from, source.size, bytes),
    async score(range, signal) {
      const cells = new ValueCells(1 + kept.length);
      const raws: string[] = [];
      const scored = new ScoredRows({
        ...{ scorer, output, options, cells, kept, id: REQUEST_ID, firstRow: range.firstRow },
        expected: range.to - range.from,
        raw: (place, at) => ({ place, text: raws[at] as string }),
      });
      const { start, end } = await eachRow(parts, range, async (row, place) => {
        const at = raws.push(row.raw()) - 1;
        try {
          if (row.error !== undefined) throw row.error;
          scored.rows.add(row.instance);
          cells.set(scored.rows.count - 1, [row.id, ...kept.map(() => row.instance)]);
          scored.accept(place, at);
        } catch (thrown) {
          if (!(thrown instanceof RequestError)) throw thrown;
          scored.reject(place, at, thrown);
        }
        if (!scored.isFull) return;
        await scored.flush(signal);
        raws.length = 0;
      });
      await scored.flush(signal);
      return scored.result(start, end);
    },
    async count(range): Promise<Pick<RangeResult, 'start' | 'end' | 'rows'>> {
      let rows = 0;
      const { start, end } = await eachRow(parts, range, async () => {
        rows++;
      });
      return { start, end, rows };
    },
  };
}

interface Parts {
  readonly container: Container;
  readonly read: ReadEvents;
  readonly decoder: Decoder;
  readonly scorer: TableScorer;
}

interface Row {
  readonly id: string;
  readonly instance?: unknown;
  readonly error?: RequestError | undefined;
  raw(): string;
}

function eachRow(
  { container, read, decoder, scorer }: Parts,
  range: Range,
  work: (row: Row, place: number) => Promise<void>,
) {
  return container.eachBlock(range, async (records, count, place) => {
    for (const event of read(records, count)) {
      const found = await decoder.decode(event);
      const said = event.properties.model;
      for (const item of found) {
        if (isPassedOver(item) || (item.model ?? said ?? scorer.version.name) !== scorer.version.name) continue;
        const raw = () => (item.text?.() ?? event.body.toString()).slice(0, MAX_RAW_LENGTH);
        const id = typeof item.requestId === 'object' ? item.requestId.rawJSON : item.requestId;
        const rows = isRequest(item) ? rowsOf(item, scorer) : [{ error: item.error }];
        for (const [i, row] of rows.entries()) {
          const name = id === undefined ? String(event.sequenceNumber) : String(id);
          await work({ id: rows.length > 1 ? `${name}/${i}` : name, ...row, raw }, place);
        }
      }
    }
  });
}

function rowsOf({ features, ids }: DecodedRequest, scorer: TableScorer): Omit<Row, 'raw' | 'id'>[] {
  try {
    return scorer.instancesOf(features, ids).map(instance => ({ instance }));
  } catch (thrown) {
    if (!(thrown instanceof RequestError)) throw thrown;
    return [{ error: thrown }];
  }
}
