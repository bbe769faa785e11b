import type { Loader, LoadSource, OpenedModel } from '../../core/loader.ts';
import { createOnnxBackends, type OnnxBackends, type OnnxBackendsOptions } from './backends.ts';
import { readOnnxFile } from './onnx-file.ts';

/** Models that are an ONNX file, run by this process: whatever no other kind claims, since a file may stand there without any card. */
export function createOnnxLoader(options: OnnxBackendsOptions): Loader {
  const backends = createOnnxBackends(options);
  return { takes: () => true, open: source => open(source, backends), close: backends.close };
}

async function open({ title, file, wishes, plan }: LoadSource, backends: OnnxBackends): Promise<OpenedModel> {
  const { producer, opsets, classes, rewritten } = await readOnnxFile(file.path);
  const backend = backends.open({
    title,
    file: rewritten ? await file.derive('tensors', rewritten) : file.path,
    bytes: file.bytes,
    wishes,
    plan: signature => plan(signature, classes),
  });
  try {
    await backend.load();
    return { backend, producer, opsets };
  } catch (thrown) {
    await backend.close();
    throw thrown;
  }
}
