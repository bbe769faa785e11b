import type { PartWorker } from '../batch/local/part-worker.ts';
import { BatchRefusal } from '../batch/problems.ts';
import type { Settings } from '../config/settings.ts';
import type { ModelFiles } from '../models/open-files.ts';
import { startChild } from '../processes/child.ts';
import type { PartProcessReply, PartProcessRequest } from './part-answers.ts';

const SCRIPT = new URL(import.meta.url.endsWith('.ts') ? './part-process.ts' : './part-process.js', import.meta.url);

/** Starts a process that opens a model and scores parts of files with it. It is ended by `close`, or where the signal is aborted. */
export function startPartWorker(files: ModelFiles, settings: Settings, signal: AbortSignal): PartWorker {
  const child = startChild<PartProcessRequest, PartProcessReply>({ script: SCRIPT, name: 'a process that scores' });
  signal.addEventListener('abort', child.kill);
  const model = ask({ kind: 'model', files, settings });
  model.catch(() => {}); // met by whatever is asked next

  async function ask(request: PartProcessRequest): Promise<unknown> {
    const reply = await child.ask(request).catch(thrown => {
      signal.throwIfAborted();
      throw thrown;
    });
    if ('refused' in reply) throw new BatchRefusal(reply.refused);
    return reply.given;
  }
  async function afterModel<T>(request: PartProcessRequest): Promise<T> {
    const asked = ask(request);
    asked.catch(() => {});
    await model;
    return asked as Promise<T>;
  }

  return {
    open: (table, file) => afterModel({ kind: 'open', table, file }),
    count: part => afterModel({ kind: 'count', part }),
    score: (part, key) => afterModel({ kind: 'score', part, key }),
    write: (key, path, position) => afterModel({ kind: 'write', key, path, position }),
    async close() {
      signal.removeEventListener('abort', child.kill);
      child.kill(); // nothing of it is wanted any more
    },
  };
}
