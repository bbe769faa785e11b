import { describe, expect, it } from 'vitest';
import { RequestError } from '../../../src/core/errors.ts';
import { readInferenceRequest, readRawRequest } from '../../../src/http/inference-request.ts';

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
  const body = Buffer.concat([json, ...inputs.map(({ bytes }) => bytes)]);
  return { body, jsonLength: json.length };
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
    expect(ints).toEqual(BigInt64Array.of(7n, -1n, 2n ** 60n));
    expect(bools).toEqual([true, false, true]);
    expect(words).toEqual(['fü', '']);
  });

  it.each([
    ['UINT8', Uint8Array.of(255, 0)],
    ['INT8', Int8Array.of(-128, 127)],
    ['UINT16', Uint16Array.of(65_535, 1)],
    ['INT16', Int16Array.of(-32_768, 7)],
    ['UINT32', Uint32Array.of(2 ** 32 - 1, 0)],
    ['INT32', Int32Array.of(-(2 ** 31), 9)],
    ['UINT64', BigUint64Array.of(2n ** 64n - 1n, 0n)],
    ['FP64', Float64Array.of(1e300, -0)],
  ])('are read as they are, at whatever byte they begin: %s', (datatype, values) => {
    for (const before of [0, 1, 2, 3]) {
      const flags = { datatype: 'BOOL', shape: [before], bytes: new Uint8Array(before) };
      const [, data] = read([flags, { datatype, shape: [2], bytes: bytesOf(values) }]);
      expect(data).toEqual(values);
    }
  });

  it('of half precision are the numbers that their bits stand for', () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0x7c00);
    const [data] = read([{ datatype: 'FP16', shape: [6], bytes: bytesOf(halves) }]);
    expect(data).toEqual(Float32Array.of(1, -2, 65_504, 2 ** -24, 0.333251953125, Number.POSITIVE_INFINITY));
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
    ['half a half', [{ datatype: 'FP16', shape: [1], bytes: new Uint8Array(3) }], /no whole number of FP16/],
    ['a size that is none', [{ datatype: 'FP32', shape: [1], bytes: new Uint8Array(4), size: -4 }], /binary_data_size/],
  ])('are refused where they are %s', (_, inputs, says) => {
    expect(() => read(inputs)).toThrow(RequestError);
    expect(() => read(inputs)).toThrow(says);
  });

  it('are refused where the length of the JSON is none', () => {
    const { body } = binaryRequest([]);
    for (const length of [Number.NaN, -1, 1.5, body.length + 1]) {
      expect(() => readInferenceRequest(body, length)).toThrow(/^inference-header-content-length/);
    }
  });
});

describe('a body that is one tensor', () => {
  const raw = (datatype: string, shape: number[], bytes: Uint8Array) =>
    readRawRequest(new Uint8Array(bytes), [{ name: 'x', datatype, shape }]).features.inputs[0];

  it.each<[string, string, number[], Uint8Array, number[]]>([
    ['as many rows as it has', 'FP32', [-1, 2], bytesOf(Float32Array.of(1, 2, 3, 4)), [2, 2]],
    ['one row of any length', 'INT64', [-1, -1], bytesOf(BigInt64Array.of(1n, 2n, 3n)), [1, 3]],
    ['one text', 'BYTES', [-1, 1], Buffer.from('grüße'), [1, 1]],
    ['a model without a batch', 'UINT8', [2, 2], Uint8Array.of(1, 2, 3, 4), [2, 2]],
  ])('%s', (_, datatype, shape, bytes, expected) => {
    expect(raw(datatype, shape, bytes)).toMatchObject({ name: 'x', datatype, shape: expected });
  });

  it.each<[string, string, number[], Uint8Array]>([
    ['half a row', 'FP32', [-1, 2], new Uint8Array(12)],
    ['two open dimensions', 'FP32', [-1, -1, -1], new Uint8Array(16)],
    ['half a number', 'FP32', [-1, 1], new Uint8Array(3)],
    ['another size', 'UINT8', [2, 2], new Uint8Array(3)],
  ])('is refused where it is %s', (_, datatype, shape, bytes) => {
    expect(() => raw(datatype, shape, bytes)).toThrow(RequestError);
  });

  it('is refused where the model takes several', () => {
    const input = { name: 'x', datatype: 'FP32', shape: [-1] };
    expect(() => readRawRequest(new Uint8Array(4), [input, { ...input, name: 'y' }])).toThrow(/one input; this has 2/);
  });
});
