import { hash } from 'node:crypto';
import type { Loader, LoadSource, OpenedModel } from '../../core/loader.ts';
import { createOnnxBackends, type OnnxBackends, type OnnxBackendsOptions } from './backends.ts';
import { filesBeside, readOnnxFile } from './onnx-file.ts';
import { RUNTIME } from './session.ts';

/** Models that are an ONNX file, run by this process: whatever no other kind claims, since a file may stand there without any card. */
export function createOnnxLoader(options: OnnxBackendsOptions): Loader {
  const backends = createOnnxBackends(options);
  return {
    runtime: RUNTIME,
    takes: () => true,
    filesBeside,
    open: source => open(source, backends),
    close: backends.close,
  };
}

async function open({ title, file, card, wishes, plan }: LoadSource, backends: OnnxBackends): Promise<OpenedModel> {
  const { producer, opsets, classes, unneeded, unbounded, random, rewritten } = await readOnnxFile(file.path, card);
  const backend = backends.open({
    title,
    file: rewritten ? await file.derive(suffixOf(rewritten), rewritten) : file.path,
    bytes: file.bytes,
    wishes,
    unbounded,
    random,
    plan: signature => plan(signature, classes, unneeded),
  });
  try {
    await backend.load();
    return { backend, producer, opsets };
  } catch (thrown) {
    await backend.close();
    throw thrown;
  }
}

/** By content, which depends on the card too: processes share the folder. */
function suffixOf(rewritten: Uint8Array): string {
  return `${hash('sha256', rewritten).slice(0, 8)}.tensors`;
}
