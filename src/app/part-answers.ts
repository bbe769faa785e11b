import { readFileSync } from 'node:fs';
import { createPartWorker, type PartRequest, type PartWorker } from '../batch/local/part-worker.ts';
import { BatchRefusal } from '../batch/problems.ts';
import { createDecoder } from '../codecs/decoder.ts';
import type { Settings } from '../config/settings.ts';
import { NO_CARD, parseCard } from '../models/card.ts';
import { type ModelFiles, type OpenedFiles, openModelFiles } from '../models/open-files.ts';
import { createTableScorer } from '../scoring/table.ts';
import { createLoaders } from './create-loaders.ts';
import { openCodecs } from './open-codecs.ts';
import { countingBy, profileBeside } from './profile-beside.ts';

/** To a process that scores parts of files: the model first, then parts. */
export type PartProcessRequest =
  | { readonly kind: 'model'; readonly files: ModelFiles; readonly settings: Settings }
  | PartRequest;

/** What a worker gave, or why it will not. */
export type PartProcessReply = { readonly given: unknown } | { readonly refused: string };

const QUIET = { info() {}, warn() {}, error() {} };
const never = new AbortController().signal;

let model: { readonly opened: OpenedFiles; readonly worker: PartWorker; close(): Promise<void> } | undefined;

/** Answers one request. @throws Error in the words of what went wrong */
export async function answer(request: PartProcessRequest): Promise<PartProcessReply> {
  try {
    return { given: await give(request) };
  } catch (thrown) {
    if (thrown instanceof BatchRefusal) return { refused: thrown.message };
    throw thrown;
  }
}

/** Frees what is held. */
export async function end(): Promise<void> {
  await model?.worker.close();
  await model?.opened.close();
  await model?.close();
}

async function give(request: PartProcessRequest): Promise<unknown> {
  if (request.kind === 'model') {
    const { files, settings } = request;
    // It is a process of its own already, which can be killed.
    const { loaders, close } = createLoaders({ ...settings, WORKER_THREADS: 0 }, QUIET);
    const raw = files.card === undefined ? NO_CARD : parseCard(readFileSync(files.card), files.card);
    const opened = await openModelFiles(files, raw, loaders);
    const decoder = createDecoder(openCodecs(settings, Date.now), { inputOf: () => opened.version.card.input });
    const scorer = countingBy(profileBeside(files), createTableScorer(opened.version, Date.now));
    model = { opened, close, worker: createPartWorker(scorer, decoder, never) };
    return undefined;
  }
  const worker = model?.worker;
  if (worker === undefined) throw new Error('no model was opened');
  switch (request.kind) {
    case 'open':
      return worker.open(request.table, request.file);
    case 'count':
      return worker.count(request.part);
    case 'score':
      return worker.score(request.part, request.key);
    case 'write':
      return worker.write(request.key, request.path, request.position);
  }
}
