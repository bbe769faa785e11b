import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainFailure } from '../../../src/backends/onnx/explain-failure.ts';
import { openSession } from '../../../src/backends/onnx/session.ts';
import { temporaryFolder } from '../../support/models.ts';
import { model, node, value } from '../../support/onnx.ts';

const BAD = join(import.meta.dirname, '../../fixtures/models/bad');

describe('what is wrong with a model file', () => {
  it.each([
    ['not-a-model.onnx', 'm: not an ONNX file, or a damaged one'],
    ['corrupt.onnx', 'm: not an ONNX file, or a damaged one'],
    ['empty.onnx', 'm: empty: it holds no graph'],
    ['custom-op.onnx', 'm: uses the operator FancyScore of domain com.example.ops, which is not known here'],
    ['missing.onnx', 'm: the file is not there'],
  ])('says it of %s', async (name, words) => {
    const thrown = await openSession(join(BAD, name)).catch(error => error);
    expect(explainFailure('m', thrown).message).toBe(words);
  });

  it('says of a tokenizer inside what to export instead', () => {
    const said = new Error('Fatal error: ai.onnx.contrib:BertTokenizer(-1) is not a registered function/op');
    expect(explainFailure('m', said).message).toBe(
      'm: has a tokenizer inside (BertTokenizer of ai.onnx.contrib), which no runtime here can load: export it without, with tokenizer.json beside it',
    );
  });

  it('says which opset, and which are supported', async () => {
    const thrown = await openSession(join(BAD, 'unsupported-opset.onnx')).catch(error => error);
    expect(explainFailure('m', thrown).message).toMatch(
      /^m: uses opset 99 of ai\.onnx; opsets up to \d+ are supported$/,
    );
  });

  it('says which operator is not there for the values that it is given', async () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'm.onnx');
    const [x, y] = [value('x', 'int16', [2]), value('y', 'int16', [2])];
    writeFileSync(path, model({ nodes: [node('Max', ['x', 'x'], ['y'])], inputs: [x], outputs: [y] }));
    const thrown = await openSession(path).catch(error => error);
    expect(explainFailure('m', thrown).message).toBe(
      'm: uses the operator Max of opset 13 on values for which it is not implemented here: export for a newer opset, or put a Cast before it',
    );
    folder.remove();
  });

  it('says which locale, and how to install it', () => {
    // As onnxruntime-node 1.30.0 words it where the locale is missing; on a machine that has it the file loads.
    const thrown = new Error(
      'Exception during initialization: /onnxruntime_src/onnxruntime/core/providers/cpu/text/string_normalizer.cc:235 ' +
        'onnxruntime::StringNormalizer::Locale::Locale(const std::string&)::<lambda()> Failed to construct locale with name:en_US.UTF-8:' +
        'locale::facet::_S_create_c_locale name not valid:Please, install necessary language-pack-XX and configure locales\n',
    );
    expect(explainFailure('m', thrown).message).toMatch(
      /^m: needs the locale en_US\.UTF-8, .*localedef -i en_US -f UTF-8 en_US\.UTF-8/,
    );
  });

  it('leaves source positions and paths out of other messages', () => {
    const thrown = new Error(
      "Non-zero status code returned while running Reshape node. Name:'' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/" +
        'reshape_helper.h:84 onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, bool) size was wrong',
    );
    expect(explainFailure('m', thrown).message).toBe(
      'm: Non-zero status code returned while running Reshape node. Status Message: size was wrong',
    );
  });
});
