import { describe, expect, it } from 'vitest';
import type { Prediction } from '../../../src/core/prediction.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { Interpreter } from '../../../src/scoring/answers/interpret.ts';
import { answerReaderOf } from '../../../src/scoring/answers/read-answers.ts';
import { answerWriter } from '../../../src/scoring/answers/result-json.ts';
import { modelVersion, tensor } from '../../support/model-version.ts';

/** The predictions of the rows of a slice, by a model with these outputs and this part of the card. */
function interpret(outputs: readonly string[], roles: object, tensors: Tensors, size: number): Prediction[] {
  const interpreter = new Interpreter(modelVersion({ inputs: ['x: float32[?,1]'], outputs, card: { outputs: roles } }));
  const slice = { from: 0, to: size, size, outputs: tensors, computeMs: 1 };
  interpreter.check(slice);
  return Array.from({ length: size }, (_, row) => interpreter.predict(slice, row));
}

const LABEL = 'label: int64[?]';
const PROBABILITIES = 'p: float32[?,2]';
const p = tensor('float32', [2, 2], [0.75, 0.25, 0.125, 0.875]);

describe('classifiers', () => {
  it('give label, probabilities by class, and the confidence in the label', () => {
    const roles = { label: 'label', probabilities: 'p', classes: [0, 1] };
    const outputs = { label: tensor('int64', [2], [0n, 0n]), p };
    expect(interpret([LABEL, PROBABILITIES], roles, outputs, 2)).toEqual([
      { prediction: 0, probabilities: { '0': 0.75, '1': 0.25 }, confidence: 0.75 },
      { prediction: 0, probabilities: { '0': 0.125, '1': 0.875 }, confidence: 0.125 },
    ]);
  });

  it('give the most probable class where they have no label', () => {
    expect(interpret([PROBABILITIES], { probabilities: 'p', classes: ['no', 'yes'] }, { p }, 2)).toMatchObject([
      { prediction: 'no', confidence: 0.75 },
      { prediction: 'yes', confidence: 0.875 },
    ]);
    expect(interpret([PROBABILITIES], { probabilities: 'p' }, { p }, 2)).toEqual([
      { prediction: 0, probabilities: [0.75, 0.25], confidence: 0.75 },
      { prediction: 1, probabilities: [0.125, 0.875], confidence: 0.875 },
    ]);
  });

  it('lose the probabilities of a row alone whose scores are none', () => {
    const scores = tensor('float32', [4, 2], [0.75, 0.25, -1.5, 2.5, 0.4, 0.5, 1.000001, -0.000001]);
    const label = tensor('int64', [4], [0n, 1n, 1n, 0n]);
    const roles = { label: 'label', probabilities: 'p', classes: [0, 1] };
    const expected = [
      { prediction: 0, probabilities: { '0': 0.75, '1': 0.25 }, confidence: 0.75 },
      { prediction: 1 },
      { prediction: 1 },
      { prediction: 0, probabilities: { '0': 1, '1': 0 }, confidence: 1 },
    ];
    expect(interpret([LABEL, PROBABILITIES], roles, { label, p: scores }, 4)).toEqual(expected);
    const version = modelVersion({
      inputs: ['x: float32[?,1]'],
      outputs: [LABEL, PROBABILITIES],
      card: { outputs: roles },
    });
    const write = answerWriter([0, 1]);
    const answers = answerReaderOf(version, write)({ label, p: scores }, 4, 4);
    expect(answers.maxRoom).toBeGreaterThan(0); // the quick one
    const into = Buffer.alloc(1_000);
    const written = [0, 1, 2, 3].map(row => {
      const end = answers.writeRest(row, into, (answers.heads[answers.headOf(row)] as Buffer).copy(into));
      return JSON.parse(`{${into.toString('utf8', 0, end)}}`);
    });
    expect(written).toEqual(expected);
  });

  it('follow the threshold of the card, whatever the label output says', () => {
    const roles = { label: 'label', probabilities: 'p', classes: ['no', 'yes'], threshold: 0.25 };
    const outputs = { label: tensor('int64', [2], [0n, 1n]), p };
    expect(interpret([LABEL, PROBABILITIES], roles, outputs, 2)).toMatchObject([
      { prediction: 'yes', confidence: 0.25 },
      { prediction: 'yes', confidence: 0.875 },
    ]);
    const strict = { ...roles, threshold: 0.9 };
    expect(interpret([LABEL, PROBABILITIES], strict, outputs, 2)).toMatchObject([
      { prediction: 'no' },
      { prediction: 'no' },
    ]);
  });

  it.each([
    ['[N,1]', [2, 1]],
    ['[N]', [2]],
  ])('with one column %s give the positive class', (_, dims) => {
    const one = tensor('float32', dims, [0.25, 0.875]);
    expect(interpret(['p: float32[?,1]'], { probabilities: 'p', classes: ['no', 'yes'] }, { p: one }, 2)).toEqual([
      { prediction: 'no', probabilities: { no: 0.75, yes: 0.25 }, confidence: 0.75 },
      { prediction: 'yes', probabilities: { no: 0.125, yes: 0.875 }, confidence: 0.875 },
    ]);
  });

  it('show a single column of float32 without digits that it does not hold', () => {
    const one = tensor('float32', [1, 1], [0.3]);
    const [only] = interpret(['p: float32[?,1]'], { probabilities: 'p', classes: ['no', 'yes'] }, { p: one }, 1);
    expect(only?.probabilities).toEqual({ no: 0.699999988, yes: 0.300000012 });
  });

  it('call a numbered class by the name that the card has for it', () => {
    const roles = { label: 'label', probabilities: 'p', classes: ['No', 'Yes'] };
    const outputs = { label: tensor('int64', [2], [0n, 1n]), p };
    expect(interpret([LABEL, PROBABILITIES], roles, outputs, 2)).toMatchObject([
      { prediction: 'No', confidence: 0.75 },
      { prediction: 'Yes', confidence: 0.875 },
    ]);
  });

  it('give the label alone where there are no probabilities', () => {
    expect(
      interpret(['label: string[?]'], { label: 'label' }, { label: tensor('string', [2], ['a', 'b']) }, 2),
    ).toEqual([{ prediction: 'a' }, { prediction: 'b' }]);
    expect(interpret([LABEL], { label: 'label' }, { label: tensor('int64', [2, 1], [7n, 8n]) }, 2)).toEqual([
      { prediction: 7 },
      { prediction: 8 },
    ]);
  });

  it('put probabilities in the order of their columns, wherever the classes stand', () => {
    const roles = { probabilities: 'p', classes: [10, 2] };
    const [first] = interpret([PROBABILITIES], roles, { p }, 2);
    expect(first).toMatchObject({ prediction: 10, probabilities: { '10': 0.75, '2': 0.25 } });
  });
});

describe('whole labels and doubles alone', () => {
  const [x] = [{ inputs: ['x: float32[?,1]'] }];
  const texts = (outputs: readonly string[], roles: object, tensors: Tensors, size: number) => {
    const version = modelVersion({ ...x, outputs, card: { outputs: roles } });
    const answers = answerReaderOf(version, answerWriter([]))(tensors, size, size);
    const isQuick = answers.maxRoom !== undefined;
    const written = Array.from({ length: size }, (_, row) => {
      const into = Buffer.alloc(answers.room(row));
      const end = answers.writeRest(row, into, 0);
      return `${answers.heads[answers.headOf(row)]?.toString()}${into.toString('utf8', 0, end)}`;
    });
    const same = interpret(outputs, roles, tensors, size).map(answerWriter([]));
    expect(written).toEqual(same);
    expect(Array.from({ length: size }, (_, row) => answers.prediction(row))).toEqual(
      interpret(outputs, roles, tensors, size),
    );
    return { isQuick, written };
  };

  it('are written from the tensors, as they would be one by one', () => {
    const labels = [0n, -3n, 12n, 2_147_483_647n, -2_147_483_648n];
    const { isQuick, written } = texts([LABEL], { label: 'label' }, { label: tensor('int64', [5], labels) }, 5);
    expect(isQuick).toBe(true);
    expect(written[1]).toMatch(/-3$/);
    const doubles = [0.1, -1e21, 5e-324, 3, -0];
    const value = ['y: float64[?,1]'];
    expect(texts(value, { value: 'y' }, { y: tensor('float64', [5, 1], doubles) }, 5).isQuick).toBe(true);
  });

  it('beyond 32 bits go the general road', () => {
    const label = tensor('int64', [2], [1n, 2n ** 60n]);
    expect(texts([LABEL], { label: 'label' }, { label }, 2)).toMatchObject({ isQuick: false });
  });
});

describe('regressors', () => {
  it('give a number, or a list of targets', () => {
    const y = (dims: number[], values: number[]) => ({ y: tensor('float64', dims, values) });
    expect(interpret(['y: float64[?,1]'], { value: 'y' }, y([2, 1], [1.5, 2.5]), 2)).toEqual([
      { prediction: 1.5 },
      { prediction: 2.5 },
    ]);
    expect(interpret(['y: float64[?]'], { value: 'y' }, y([2], [1.5, 2.5]), 2)).toEqual([
      { prediction: 1.5 },
      { prediction: 2.5 },
    ]);
    expect(interpret(['y: float64[?,2]'], { value: 'y' }, y([2, 2], [1, 2, 3, 4]), 2)).toEqual([
      { prediction: [1, 2] },
      { prediction: [3, 4] },
    ]);
  });
});

describe('other outputs', () => {
  it('stand beside the prediction by name', () => {
    const outputs = { e: tensor('float32', [2, 3], [1, 2, 3, 4, 5, 6]), label: tensor('int64', [2], [0n, 1n]) };
    expect(interpret(['e: float32[?,3]', LABEL], { label: 'label' }, outputs, 2)).toEqual([
      { prediction: 0, outputs: { e: [1, 2, 3] } },
      { prediction: 1, outputs: { e: [4, 5, 6] } },
    ]);
  });

  it('are the prediction, nested as they are, where nothing has a role', () => {
    const raw = { t: tensor('float32', [2, 1, 2], [1, 2, 3, 4]) };
    expect(interpret(['t: float32[?,1,2]'], {}, raw, 2)).toEqual([{ prediction: [[1, 2]] }, { prediction: [[3, 4]] }]);
  });

  it('keep the digits of numbers beyond 2^53, and say true and false', () => {
    const outputs = { n: tensor('int64', [2], [9007199254740993n, -5n]), b: tensor('bool', [2], [1, 0]) };
    expect(interpret(['n: int64[?]', 'b: bool[?]'], { value: 'n' }, outputs, 2)).toEqual([
      { prediction: '9007199254740993', outputs: { b: true } },
      { prediction: -5, outputs: { b: false } },
    ]);
  });
});

describe('shapes and values that are not to be trusted', () => {
  it('uses the dimensions that came, not those declared', () => {
    expect(interpret(['label: int64[1]'], { label: 'label' }, { label: tensor('int64', [2], [3n, 4n]) }, 2)).toEqual([
      { prediction: 3 },
      { prediction: 4 },
    ]);
  });

  it('takes an output without a batch for the one row there is', () => {
    expect(interpret(['s: float32[]'], {}, { s: tensor('float32', [], [5]) }, 1)).toEqual([{ prediction: 5 }]);
    expect(interpret(['s: float32[3]'], {}, { s: tensor('float32', [3], [5, 6, 7]) }, 1)).toEqual([
      { prediction: [5, 6, 7] },
    ]);
    expect(() => interpret(['s: float32[]'], {}, { s: tensor('float32', [], [5]) }, 2)).toThrow(
      'm 1.0.0 gave output s of shape [] for 2 instances',
    );
  });

  it('refuses what JSON could only call null', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const outputs = { y: tensor('float32', [2, 1], [1, value]) };
      expect(() => interpret(['y: float32[?,1]'], { value: 'y' }, outputs, 2)).toThrow(
        'in output y that is not a finite number',
      );
    }
  });

  it('does not look at rows that only fill a fixed batch up', () => {
    const interpreter = new Interpreter(
      modelVersion({ inputs: ['x: float32[2,1]'], outputs: ['y: float32[2,1]'], card: { outputs: { value: 'y' } } }),
    );
    const slice = { from: 0, to: 1, size: 2, outputs: { y: tensor('float32', [2, 1], [1, Number.NaN]) }, computeMs: 1 };
    expect(() => interpreter.check(slice)).not.toThrow();
  });

  it('says which output did not come', () => {
    expect(() => interpret(['y: float32[?,1]'], { value: 'y' }, {}, 1)).toThrow('m 1.0.0 gave no output y');
  });
});
