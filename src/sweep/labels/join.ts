import type { BlobEntry, Blobs } from '../../core/blobs.ts';
import { hourOf, readChunk, remove, tidy } from './chunks.ts';
import { isRight, type Prediction } from './prediction.ts';
import { type Label, resultKey } from './read-label.ts';

/** What labels say of one arm. */
export interface ArmLabels {
  labels: number;
  right: number;
  /** Of absolute errors, where prediction and label are numbers. */
  errors: { count: number; sum: number; squares: number };
}

/** By rollout and variant. */
export type Joined = Readonly<Record<string, Readonly<Record<string, ArmLabels>>>>;

export interface JoinReport {
  readonly joined: Joined;
  /** Labels whose request was not found so far. */
  readonly waiting: number;
  /** Labels that nothing was found for as long as they were waited for. */
  readonly unmatched: number;
}

export interface JoinOptions {
  readonly blobs: Blobs;
  readonly nowMs: number;
  /** How long a label waits for its request, and a prediction for its label. */
  readonly windowMs: number;
  /** Unmatched before. */
  readonly unmatched: number;
}

const HOUR_MS = 3_600_000;
/** Labels in memory at once; more take several passes over the predictions, each with its share of the labels by hash. */
const LABELS_AT_ONCE = 200_000;

/**
 * Holds all labels against all predictions of the window and counts anew, so that it comes to the same however often it is done, and a label that corrects an earlier one
 * counts in its stead. What is older than the window is taken away.
 */
export async function joinLabels(
  { blobs, nowMs, windowMs, unmatched }: JoinOptions,
  signal: AbortSignal,
): Promise<JoinReport> {
  const labelChunks = await tidy(blobs, 'labels', nowMs, signal);
  const predictionChunks = await tidy(blobs, 'predictions', nowMs, signal);
  const isOver = ({ path }: BlobEntry) => hourOf(path) + HOUR_MS + windowMs < nowMs;
  let many = 0;
  for (const chunk of labelChunks) many += (await readChunk<Label>(blobs, chunk, signal)).length;
  const passes = Math.max(1, Math.ceil(many / LABELS_AT_ONCE));
  const joined: Record<string, Record<string, ArmLabels>> = {};
  let waiting = 0;
  let gone = 0;
  for (let pass = 0; pass < passes; pass++) {
    const labels = await newestLabels(blobs, labelChunks, key => hash(key) % passes === pass, isOver, signal);
    for (const chunk of predictionChunks)
      for (const prediction of await readChunk<Prediction>(blobs, chunk, signal)) match(labels, prediction);
    for (const { found, label, isLast } of labels.values()) {
      if (found !== undefined) count(joined, found.of, found.prediction, label.label);
      else if (isLast) gone++;
      else waiting++;
    }
  }
  for (const chunk of [...labelChunks, ...predictionChunks]) if (isOver(chunk)) await remove(blobs, chunk, signal);
  return { joined, waiting, unmatched: unmatched + gone };
}

interface Known {
  readonly label: Label;
  /** It is taken away with this join. */
  readonly isLast: boolean;
  found: { readonly of: Prediction; readonly prediction: unknown } | undefined;
}

const nameOf = (key: string, row: string | undefined, model: string | undefined) =>
  `${key}\n${row ?? ''}\n${model ?? ''}`;

/** By what they are labels of; the last by enqueued time wins. */
async function newestLabels(
  blobs: Blobs,
  chunks: readonly BlobEntry[],
  isMeant: (key: string) => boolean,
  isOver: (chunk: BlobEntry) => boolean,
  signal: AbortSignal,
): Promise<Map<string, Known>> {
  const labels = new Map<string, Known>();
  for (const chunk of chunks) {
    for (const label of await readChunk<Label>(blobs, chunk, signal)) {
      if (!isMeant(label.key)) continue;
      const name = nameOf(label.key, label.row, label.model);
      const before = labels.get(name);
      if (before === undefined || before.label.atMs <= label.atMs)
        labels.set(name, { label, isLast: isOver(chunk), found: undefined });
    }
  }
  return labels;
}

/** Of several results of a request the newest is meant. */
function match(labels: ReadonlyMap<string, Known>, of: Prediction): void {
  const rows = of.rows ?? [[undefined, of.prediction] as const];
  for (const [row, prediction] of rows)
    for (const key of [resultKey(of.resultId), of.request])
      for (const model of [undefined, of.model]) {
        const known = labels.get(nameOf(key, row, model));
        if (known !== undefined && (known.found === undefined || known.found.of.atMs <= of.atMs))
          known.found = { of, prediction };
      }
}

function count(
  joined: Record<string, Record<string, ArmLabels>>,
  { rollout, variant }: Prediction,
  prediction: unknown,
  label: unknown,
): void {
  const arms = joined[rollout] ?? {};
  joined[rollout] = arms;
  const arm = arms[variant] ?? { labels: 0, right: 0, errors: { count: 0, sum: 0, squares: 0 } };
  arms[variant] = arm;
  arm.labels++;
  if (isRight(prediction, label)) arm.right++;
  if (typeof prediction !== 'number' || typeof label !== 'number') return;
  const error = Math.abs(prediction - label);
  arm.errors.count++;
  arm.errors.sum += error;
  arm.errors.squares += error * error;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
