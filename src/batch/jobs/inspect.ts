import type { JobStorage } from '../../core/job-storage.ts';
import type { Clock } from '../../core/log.ts';
import type { TableScorer } from '../../core/table-scorer.ts';
import { BatchRefusal } from '../problems.ts';
import type { FoundInput } from './inputs.ts';
import type { Job } from './job.ts';
import type { JobRequest } from './request.ts';
import { openFile, tryFirstRows } from './score-chunk.ts';
import type { Inspected, JobInspector } from './submit.ts';

/** By model and version or alias, what scores tables. @throws RequestError unknown_model, model_unavailable */
export type FindScorer = (model: string, version: string | undefined) => Promise<TableScorer>;

/** Looks at inputs before a job begins: reads their first 64 KiB and scores the rows in them. */
export function createInspector(storage: JobStorage, findScorer: FindScorer, clock: Clock): JobInspector {
  return {
    async inspect(request, files, outputFormat, signal): Promise<Inspected> {
      const scorer = await findScorer(request.model, request.model_version);
      const format = formatOf(files[0] as FoundInput);
      const job = tableJob(request, format, outputFormat, clock);
      let header: string | undefined;
      const seen: Inspected['files'][number][] = [];
      for (const file of files) {
        if (formatOf(file) !== format) throw new BatchRefusal(`input ${file.path}: not ${format}, as the others are`);
        const opened = await openFile(storage, job, file, scorer, signal);
        const own = opened.table.header.toString();
        if (header !== undefined && own !== header) {
          throw new BatchRefusal(`input ${file.path}: its columns are others than those of ${files[0]?.path}`);
        }
        header = own;
        await tryFirstRows(opened, file, signal);
        seen.push({ dataStart: opened.table.dataStart, whole: false });
      }
      const { name, label } = scorer.version;
      return { model: name, modelVersion: label, format, columns: [], header: header ?? '', files: seen };
    },
  };
}

function tableJob(request: JobRequest, format: Job['format'], outputFormat: Job['output_format'], clock: Clock) {
  return {
    format,
    output_format: outputFormat,
    id_column: request.id_column ?? null,
    include_features: request.include_features,
    include_probabilities: request.include_probabilities,
    timestamp: new Date(clock()).toISOString(),
  };
}

const FORMATS = {
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
  avro: 'avro',
} as const;

/** @throws BatchRefusal where its name does not say */
export function formatOf({ path }: Pick<FoundInput, 'path'>): Job['format'] {
  const extension = /\.([a-z]+)$/.exec(path.toLowerCase().replace(/\.(gz|zst)$/, ''))?.[1] ?? '';
  const format = FORMATS[extension as keyof typeof FORMATS];
  if (!format)
    throw new BatchRefusal(
      `input ${path}: its name ends in none of .${Object.keys(FORMATS).join(', .')} (.gz and .zst may follow)`,
    );
  return format;
}
