import { asError } from '../../core/errors.ts';
import { findUnsupported } from './element-types.ts';

/**
 * ONNX Runtime's wording → ours, first match wins. Seen with onnxruntime-node 1.30.0. Its errors have neither class nor code: their
 * words are all there is to know them by, and nothing but our wording hangs on it.
 */
const KNOWN: readonly [pattern: RegExp, explain: (match: RegExpMatchArray) => string][] = [
  [/Protobuf parsing failed/, () => 'not an ONNX file, or a damaged one'],
  [/ModelProto does not have a graph/, () => 'empty: it holds no graph'],
  [/File doesn't exist/, () => 'the file is not there'],
  [
    /Opset (\d+) is under development[\s\S]*domain (\S+) is till opset (\d+)/,
    match => `uses opset ${match[1]} of ${match[2]}; opsets up to ${match[3]} are supported`,
  ],
  [
    /ai\.onnx\.contrib:?(\w+)\(-?\d+\) is not a registered/,
    match =>
      `has a tokenizer inside (${match[1]} of ai.onnx.contrib), which no runtime here can load: export it without, with tokenizer.json beside it`,
  ],
  [
    /(?:Fatal error: )?(\S*?):?(\w+)\(-?\d+\) is not a registered function\/op/,
    match => `uses the operator ${match[2]} of domain ${match[1] || 'ai.onnx'}, which is not known here`,
  ],
  [
    /Could not find an implementation for (\w+)\((\d+)\) node/,
    match =>
      `uses the operator ${match[1]} of opset ${match[2]} on values for which it is not implemented here: export for a newer opset, or put a Cast before it`,
  ],
  [
    /Failed to construct locale with name:([\w.-]+?):/,
    match =>
      `needs the locale ${match[1]}, which this machine lacks: install it (Debian: apt-get install locales, then ` +
      `localedef -i ${match[1]!.split('.')[0]} -f UTF-8 ${match[1]}) or export the model without its StringNormalizer's locale`,
  ],
  [
    /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    m => `has IR version ${m[1]}; up to ${m[2]} is supported`,
  ],
];

/** What went wrong with a model file, in words: `churn/2.1.3/model.onnx: not an ONNX file, or a damaged one`. */
export function explainFailure(title: string, thrown: unknown): Error {
  const cause = asError(thrown);
  for (const [pattern, explain] of KNOWN) {
    const match = cause.message.match(pattern);
    if (match) return new Error(`${title}: ${explain(match)}`, { cause });
  }
  return new Error(`${title}: ${tidy(cause.message)}`, { cause });
}

/** Why a file did not open; of an element type that it has only a number for, the file is asked which input or output is meant. */
export async function explainOpening(title: string, file: string, thrown: unknown): Promise<Error> {
  const cause = asError(thrown);
  const type = /Unsupported data type/.test(cause.message) ? await findUnsupported(file) : undefined;
  return type === undefined ? explainFailure(title, thrown) : new Error(`${title}: ${type}`, { cause });
}

/** An ONNX Runtime message without the path on disk and the C++ source positions, at most 400 characters. */
export function tidy(message: string): string {
  return message
    .replace(/^Load model from .*? failed:/, '')
    .replace(/\/onnxruntime_src\/\S+:\d+ .*?\) (?=[A-Za-z{])/g, '')
    .replace(/Name:'' /g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 400);
}
