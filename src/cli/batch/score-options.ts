import type { Encoding } from '../../batch/csv/text.ts';
import type { InputFormat } from '../../batch/format.ts';
import type { OutputFormat } from '../../batch/range.ts';

export interface ScoreOptions {
  readonly model: string;
  readonly modelVersion?: string;
  readonly idColumn?: string;
  readonly includeFeatures?: boolean;
  readonly includeProbabilities?: boolean;
  readonly maxRejected: number;
  readonly rejects?: string;
  readonly overwrite?: boolean;
  readonly delimiter?: string;
  readonly encoding?: Encoding;
  readonly chunkBytes: number;
  readonly processes?: number;
  readonly format?: OutputFormat;
  readonly inputFormat?: InputFormat;
  readonly json?: boolean;
}
