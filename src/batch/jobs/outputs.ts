import { basename } from 'node:path';
import { BatchRefusal } from '../problems.ts';
import { type Job, placeOf } from './job.ts';

/** A blob that a job makes, or a folder of Parquet, of some of its chunks. */
export interface Output {
  /** `container/path` */
  readonly place: string;
  /** ETag of what it replaces; null where nothing is there. */
  readonly replaces: string | null;
  /** Its chunks: from the first up to `end`. */
  readonly first: number;
  readonly end: number;
}

const NAME = '{name}';

/** Whether every file of the input has an output of its own, called after it. */
export const isOneEach = (output: string) => output.includes(NAME);

/** The output of a file, where each has its own: `{name}` is the file's, without folders and extensions. @throws BatchRefusal where two would be one */
export function outputsOfFiles(output: string, paths: readonly string[]): readonly string[] {
  const outputs = paths.map(path =>
    output.replaceAll(
      NAME,
      basename(path)
        .replace(/\.(gz|zst)$/i, '')
        .replace(/\.[^.]+$/, ''),
    ),
  );
  const twice = outputs.findIndex((each, place) => outputs.indexOf(each) < place);
  if (twice >= 0) {
    const first = paths[outputs.indexOf(outputs[twice]!)];
    throw new BatchRefusal(`output ${outputs[twice]}: ${first} and ${paths[twice]} would both be written there`);
  }
  return outputs;
}

/** All that a job makes: one output of all chunks, or one of each file. */
export function outputsOf(job: Pick<Job, 'input' | 'output' | 'replaces' | 'chunks'>): readonly Output[] {
  if (!isOneEach(job.output)) return [{ place: job.output, replaces: job.replaces, first: 0, end: job.chunks }];
  return job.input.map(({ output, replaces = null, first_chunk: first, chunks }) => ({
    ...{ place: output ?? job.output, replaces, first },
    end: first + chunks,
  }));
}

/** `container/path` of the output that a chunk is for. */
export const outputOfChunk = (job: Pick<Job, 'input' | 'output'>, chunk: number) =>
  placeOf(job, chunk).file.output ?? job.output;
