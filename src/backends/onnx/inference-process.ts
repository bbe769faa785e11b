import { serveParent } from '../../processes/serve-parent.ts';
import type { InferenceReply, InferenceRequest } from './inference-protocol.ts';
import { estimateMemory } from './memory.ts';
import { type OnnxSession, openSession } from './session.ts';

// A process of the pool: it holds sessions and answers one request after the other.
const sessions = new Map<number, OnnxSession>();

async function answer(request: InferenceRequest): Promise<InferenceReply> {
  switch (request.kind) {
    case 'load': {
      const before = process.memoryUsage.rss();
      const session = await openSession(request.file, request.intraOpThreads, request.providers);
      sessions.set(request.model, session);
      const memoryBytes = estimateMemory(request.bytes, process.memoryUsage.rss() - before);
      return { kind: 'loaded', model: { signature: session.signature, provided: session.provided, memoryBytes } };
    }
    case 'run': {
      const session = sessions.get(request.model);
      if (!session) throw new Error('the model is not loaded in this process');
      return { kind: 'ran', outputs: await session.run(request.inputs) };
    }
    case 'unload': {
      await sessions.get(request.model)?.release();
      sessions.delete(request.model);
      return { kind: 'unloaded' };
    }
  }
}

serveParent(answer, async () => {
  for (const session of sessions.values()) await session.release();
});
