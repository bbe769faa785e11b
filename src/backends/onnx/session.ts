import { env, InferenceSession, listSupportedBackends, Tensor as OrtTensor } from 'onnxruntime-node';
import {
  isTensorType,
  type Signature,
  type Tensor,
  type TensorData,
  type TensorSpec,
  type Tensors,
  type TensorType,
} from '../../core/tensor.ts';
import { unsupported } from './element-types.ts';
import { type Provided, withProviders } from './providers.ts';

/**
 * One ONNX Runtime session: the only file that knows onnxruntime-node. `create` and `run` are synchronous inside: whoever
 * calls them blocks its thread for as long as they take.
 */
export interface OnnxSession {
  readonly signature: Signature;
  /** Undefined where nothing was asked of it. */
  readonly provided: Provided | undefined;
  run(inputs: Tensors): Promise<Tensors>;
  /** Frees native memory. Idempotent; nothing may be running. */
  release(): Promise<void>;
}

export const RUNTIME = `onnxruntime-node ${env.versions.node}`;

const OPTIONS: InferenceSession.SessionOptions = {
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 4, // what fails is thrown too, and logged by us with the model's name
};

/**
 * One thread a run unless more are asked for: the cores belong to the slices of other partitions, which gain more by them. The
 * runtime's threads wait asleep, since awake they burn a core between runs (measured: 1.13 cores instead of 0.24 where every seventh
 * millisecond had a slice).
 * @throws Error as ONNX Runtime words it; `explainFailure` words it for people.
 */
export async function openSession(
  file: string,
  intraOpThreads = 1,
  providers?: readonly string[],
): Promise<OnnxSession> {
  const asleep = { session: { 'intra_op.allow_spinning': '0' } };
  const known = listSupportedBackends().map(({ name }) => name);
  const { opened: session, provided } = await withProviders(providers, known, executionProviders =>
    InferenceSession.create(file, {
      ...OPTIONS,
      intraOpNumThreads: intraOpThreads,
      ...(intraOpThreads > 1 && { extra: asleep }),
      ...(executionProviders && { executionProviders }),
    }),
  );
  const signature = await signatureOf(session).catch(async thrown => {
    await session.release();
    throw thrown;
  });
  // Fetching an output that is no tensor (ZipMap) throws, so the tensor outputs are named.
  const fetches = signature.outputs.map(output => output.name);
  let released: Promise<void> | undefined;
  return {
    signature,
    provided,
    async run(inputs) {
      const feeds: Record<string, OrtTensor> = {};
      for (const name in inputs) feeds[name] = toOrt(inputs[name]!);
      const fetched = await session.run(feeds, fetches);
      const outputs: Record<string, Tensor> = {};
      for (const name of fetches) outputs[name] = fromOrt(fetched[name]!);
      return outputs;
    },
    release() {
      released ??= session.release(); // a second release() throws
      return released;
    },
  };
}

async function signatureOf({ inputMetadata, outputMetadata }: InferenceSession): Promise<Signature> {
  const opaqueOutputs = outputMetadata.filter(value => !value.isTensor).map(value => value.name);
  const outputs = outputMetadata.filter(value => value.isTensor).map(value => specOf('output', value));
  if (outputs.length === 0) throw new Error(`output ${opaqueOutputs.join(', ')} is a sequence, none is a tensor`);
  return { inputs: inputMetadata.map(value => specOf('input', value)), outputs, opaqueOutputs };
}

function specOf(what: 'input' | 'output', value: InferenceSession.ValueMetadata): TensorSpec {
  if (!value.isTensor) throw new Error(`${what} ${value.name} is no tensor; only tensors can be fed`);
  if (!isTensorType(value.type)) throw new Error(unsupported(`${what} ${value.name}`, value.type));
  return {
    name: value.name,
    type: value.type,
    dims: value.shape.map(dimension => (typeof dimension === 'number' ? dimension : null)),
    symbols: value.shape.map(dimension => (typeof dimension === 'number' ? '' : dimension)),
  };
}

function toOrt(tensor: Tensor): OrtTensor {
  if (tensor.type === 'float16') {
    // Named so from the start, its data would become a Float16Array on Node 24, in which onnxruntime-node 1.30 sees no bytes.
    return Object.assign(new OrtTensor('uint16', tensor.data as Uint16Array, tensor.dims), { type: 'float16' });
  }
  return new OrtTensor(tensor.type, tensor.data as OrtTensor.DataTypeMap[OrtTensor.Type], tensor.dims);
}

function fromOrt(tensor: OrtTensor): Tensor {
  const { data } = tensor;
  const typed =
    tensor.type === 'float16' && ArrayBuffer.isView(data) && !(data instanceof Uint16Array)
      ? new Uint16Array(data.buffer, data.byteOffset, data.length) // Float16Array where the runtime has one
      : data;
  return { type: tensor.type as TensorType, dims: tensor.dims, data: typed as TensorData };
}
