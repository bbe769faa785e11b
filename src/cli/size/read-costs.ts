import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Costs, REAL_HOST } from '../../size/costs.ts';
import { CommandError } from '../terminal.ts';

const positive = z.number().positive();
/** What is read of `tune --json`, or of a card with `tuning`. */
const tuning = z.object({
  machine: z.object({ cpu: z.string(), cores: positive }),
  side_by_side: z.array(
    z.object({ placement: z.string(), intra_op_threads: positive, batch: positive, per_second: positive }),
  ),
  packs: z.array(z.object({ rows: positive, row_us: positive })).default([]),
  request_bytes: positive.optional(),
  result_bytes: positive.optional(),
});
const file = z.object({
  choice: z.object({ placement: z.string(), intra_op_threads: positive }).optional(),
  runtime: z.object({ placement: z.string().optional(), intra_op_threads: positive.optional() }).optional(),
});

export interface TunedCosts {
  /** Of a row in codecs and model. */
  readonly rowMs: number;
  /** Of a request of one row. */
  readonly requestBytes: number | undefined;
  readonly resultBytes: number | undefined;
  readonly says: string;
}

/**
 * A model's measured cost: of packs of about so many rows where they were measured, else of single events on all cores of the machine.
 * @throws CommandError where the file is none of `tune`'s
 */
export function readTuning(path: string, rows: number): TunedCosts {
  let read: { tuning: z.infer<typeof tuning>; file: z.infer<typeof file> };
  try {
    const json = JSON.parse(readFileSync(path, 'utf8')) as { tuning?: unknown };
    read = { tuning: tuning.parse(json.tuning ?? json), file: file.parse(json) };
  } catch (thrown) {
    throw new CommandError(
      `${path} is nothing that tune wrote`,
      'Make it by `hubscore tune MODEL --json FILE`, or give a card with `tuning`.',
      { cause: thrown },
    );
  }
  const { machine, packs, side_by_side, request_bytes, result_bytes } = read.tuning;
  const way = read.file.choice ?? read.file.runtime;
  const nearest = packs.reduce<(typeof packs)[number] | undefined>(
    (best, pack) =>
      best === undefined || Math.abs(Math.log(pack.rows / rows)) < Math.abs(Math.log(best.rows / rows)) ? pack : best,
    undefined,
  );
  const side =
    side_by_side.find(each => each.placement === way?.placement && each.intra_op_threads === way.intra_op_threads) ??
    side_by_side[0];
  const rowMs = nearest
    ? (nearest.row_us / 1000) * (way?.intra_op_threads ?? 1)
    : side && (1000 * machine.cores) / side.per_second;
  if (rowMs === undefined) throw new CommandError(`${path} measured nothing`, 'Run `hubscore tune` again.');
  return {
    rowMs,
    requestBytes: request_bytes,
    resultBytes: result_bytes,
    says: `${Number((1000 * rowMs).toPrecision(3))} µs a row in codecs and model: measured by tune on ${machine.cores} × ${machine.cpu}`,
  };
}

/** The real host's, and what was given. */
export const costsWith = (given: { readonly [Name in keyof Costs]?: number | undefined }): Costs =>
  Object.fromEntries(
    Object.entries(REAL_HOST).map(([name, value]) => [name, given[name as keyof Costs] ?? value]),
  ) as unknown as Costs;
