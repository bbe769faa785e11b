import type { Backend, BackendSource } from '../../core/backend.ts';
import { createInlineBackend } from './in-line.ts';

export interface OnnxBackends {
  open(source: BackendSource): Backend;
  /** Ends the worker threads; call it after every backend is closed. */
  close(): Promise<void>;
}

/** Backends for ONNX files. */
export function createOnnxBackends(): OnnxBackends {
  return { open: source => createInlineBackend(source), async close() {} };
}
