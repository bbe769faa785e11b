import type { Engine } from './engine.ts';
import { estimateMemory } from './memory.ts';
import type { OnnxSource } from './onnx-source.ts';
import { openSession } from './session.ts';

/** Opens a model on the calling thread, which its runs then block: for models whose slice takes a few milliseconds at most. */
export async function openInline(source: OnnxSource): Promise<Engine> {
  const before = process.memoryUsage.rss();
  const session = await openSession(source.file, source.wishes?.intraOpThreads, source.wishes?.providers);
  const memoryBytes = estimateMemory(source.bytes, process.memoryUsage.rss() - before);
  const { signature, provided, run, release } = session;
  return { signature, provided, memoryBytes, run, release };
}
