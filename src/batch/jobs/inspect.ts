import type { JobStorage } from '../../core/job-storage.ts';
import type { Clock } from '../../core/log.ts';
import type { BatchTable } from '../batch-table.ts';
import { REQUEST_ID } from '../capture/open-capture.ts';
import { formatOf } from '../format.ts';
import { BatchRefusal } from '../problems.ts';
import { judgeFirst } from '../verdict.ts';
import type { FoundInput } from './inputs.ts';
import type { Job } from './job.ts';
import { openFile, type TableModel } from './open-file.ts';
import type { JobRequest } from './request.ts';
import type { Inspected, JobInspector } from './submit.ts';

/** By model and version or alias, what tables are scored by. @throws RequestError unknown_model, model_unavailable */
export type FindModel = (model: string, version: string | undefined) => Promise<TableModel>;

/** Looks at inputs before a job begins: reads how they are written and scores their first rows. */
export function createInspector(storage: JobStorage, findModel: FindModel, clock: Clock): JobInspector {
  return {
    async inspect(request, files, outputFormat, chunkBytes, signal): Promise<Inspected> {
      const model = await findModel(request.model, request.model_version);
      const format = formatOfInput(request, files[0] as FoundInput);
      const job = tableJob(request, format, outputFormat, clock);
      let header: string | undefined;
      const seen: Inspected['files'][number][] = [];
      for (const file of files) {
        if (formatOfInput(request, file) !== format)
          throw new BatchRefusal(`input ${file.path}: not ${format}, as the others are`);
        const table = await openFile(storage, job, file, model, signal);
        const own = table.header.toString();
        if (header !== undefined && own !== header) {
          throw new BatchRefusal(`input ${file.path}: its columns are others than those of ${files[0]?.path}`);
        }
        header = own;
        await tryFirst(file, table, signal);
        seen.push({ from: table.from, to: table.to, chunks: table.cuts(chunkBytes).length + 1 });
      }
      const { name, label, card } = model.scorer.version;
      const classes = (card.outputs.classes ?? []).map(String);
      return {
        model: name,
        modelVersion: label,
        format,
        idColumn: job.id_column,
        classes,
        header: header ?? '',
        files: seen,
      };
    },
  };
}

/** About a thousand rows. */
const FIRST_BYTES = 64 * 1024;

/** One row at least of the first must pass, or the whole would be rejected. @throws BatchRefusal that says why they do not */
async function tryFirst({ path }: FoundInput, table: BatchTable, signal: AbortSignal): Promise<void> {
  const [end = table.to] = table.cuts(FIRST_BYTES);
  const { statistics, rejects } = await table.score({ from: table.from, to: end, start: table.from }, signal);
  try {
    judgeFirst(statistics, rejects);
  } catch (thrown) {
    if (!(thrown instanceof BatchRefusal)) throw thrown;
    throw new BatchRefusal(`input ${path}: ${thrown.message}`, { cause: thrown });
  }
}

function tableJob(request: JobRequest, format: Job['format'], outputFormat: Job['output_format'], clock: Clock) {
  return {
    format,
    output_format: outputFormat,
    delimiter: request.delimiter ?? null,
    encoding: request.encoding ?? null,
    id_column: idColumnOf(request, format),
    include_features: request.include_features,
    include_probabilities: request.include_probabilities,
    timestamp: new Date(clock()).toISOString(),
  };
}

/** Rows of captured events are called by their requests. */
export const idColumnOf = ({ id_column }: JobRequest, format: Job['format']) =>
  id_column ?? (format === 'capture' ? REQUEST_ID : null);

/** @throws BatchRefusal where neither the request nor the name says */
function formatOfInput({ input_format }: JobRequest, { path }: Pick<FoundInput, 'path'>): Job['format'] {
  const format = input_format ?? formatOf(path);
  if (format) return format;
  throw new BatchRefusal(
    `input ${path}: its name does not say whether it is CSV, NDJSON, Parquet or Avro: .csv, .ndjson, .parquet or .avro (of Capture) is expected, .gz or .zst may follow (or --input-format)`,
  );
}
