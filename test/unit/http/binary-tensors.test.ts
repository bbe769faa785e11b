import { describe, expect, it } from 'vitest';
import { RequestError } from '../../../src/core/errors.ts';
import { readInferenceRequest } from '../../../src/http/inference-request.ts';

/** A request as Triton's Python client writes it: JSON, then the tensors' bytes. */
function binaryRequest(inputs: readonly { datatype: string; shape: number[]; bytes: Uint8Array; size?: number }[]) {
  const json = Buffer.from(
    JSON.stringify({
      inputs: inputs.map(({ datatype, shape, bytes, size }, i) => ({
        name: `i${i}`,
        datatype,
        shape,
        parameters: { binary_data_size: size ?? bytes.length },
      })),
    }),
  );
  return { body: Buffer.concat([json, ...inputs.map(({ bytes }) => bytes)]), jsonLength: json.length };
}

/** `a`, then ff fe. */
const NO_TEXTS = Uint8Array.of(1, 0, 0, 0, 97, 2, 0, 0, 0, 0xff, 0xfe);
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const sized = (text: string) => bytesOf(Uint32Array.of(Buffer.byteLength(text)));
const read = (inputs: Parameters<typeof binaryRequest>[0]) => {
  const { body, jsonLength } = binaryRequest(inputs);
  return readInferenceRequest(body, jsonLength).features.inputs.map(({ data }) => data);
};

describe('tensors as bytes', () => {
  it('are read by their type, in order', () => {
    const texts = Buffer.concat([Uint8Array.of(3, 0, 0, 0), Buffer.from('fü'), Uint8Array.of(0, 0, 0, 0)]);
    const [floats, ints, bools, words] = read([
      { datatype: 'FP32', shape: [1, 2], bytes: bytesOf(Float32Array.of(1.5, -2)) },
      { datatype: 'INT64', shape: [3], bytes: bytesOf(BigInt64Array.of(7n, -1n, 2n ** 60n)) },
      { datatype: 'BOOL', shape: [3], bytes: Uint8Array.of(1, 0, 1) },
      { datatype: 'BYTES', shape: [2], bytes: texts },
    ]);
    expect(floats).toEqual(new Float32Array([1.5, -2]));
    expect(ints).toEqual([7, -1, '1152921504606846976']);
    expect(bools).toEqual([true, false, true]);
    expect(words).toEqual(['fü', '']);
  });

  it('are read to the letter: a byte order mark, and the character that stands for what is none', () => {
    const texts = Buffer.concat(['\uFEFFa', '\uFFFD'].flatMap(text => [sized(text), Buffer.from(text)]));
    expect(read([{ datatype: 'BYTES', shape: [2], bytes: texts }])).toEqual([['\uFEFFa', '\uFFFD']]);
  });

  it.each<[string, Parameters<typeof binaryRequest>[0], RegExp]>([
    ['more than there is', [{ datatype: 'FP32', shape: [2], bytes: new Uint8Array(4), size: 8 }], /4 bytes are left/],
    ['less than there is', [{ datatype: 'FP32', shape: [1], bytes: new Uint8Array(8), size: 4 }], /left over/],
    ['half a number', [{ datatype: 'FP32', shape: [1], bytes: new Uint8Array(3) }], /no whole number/],
    ['another count than the shape', [{ datatype: 'FP32', shape: [3], bytes: new Uint8Array(8) }], /2 values/],
    ['half a text', [{ datatype: 'BYTES', shape: [1], bytes: Uint8Array.of(9, 0, 0, 0, 65) }], /middle/],
    [
      'texts that are no UTF-8',
      [{ datatype: 'BYTES', shape: [2], bytes: NO_TEXTS }],
      /^input i0: text 1 is not UTF-8$/,
    ],
    ['a type that it cannot read', [{ datatype: 'FP16', shape: [1], bytes: new Uint8Array(2) }], /JSON/],
    ['a size that is none', [{ datatype: 'FP32', shape: [1], bytes: new Uint8Array(4), size: -4 }], /binary_data_size/],
  ])('are refused where they are %s', (_, inputs, says) => {
    expect(() => read(inputs)).toThrow(RequestError);
    expect(() => read(inputs)).toThrow(says);
  });

  it('are refused where the length of the JSON is none', () => {
    const { body } = binaryRequest([]);
    expect(() => readInferenceRequest(body, Number.NaN)).toThrow(RequestError);
  });
});
