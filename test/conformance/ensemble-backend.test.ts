import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createEnsembleLoader } from '../../src/backends/ensemble/ensemble-loader.ts';
import { createEngineBackend } from '../../src/backends/onnx/engine-backend.ts';
import { openInline } from '../../src/backends/onnx/in-line.ts';
import type { Backend, WarmUpPlan } from '../../src/core/backend.ts';
import { RequestError } from '../../src/core/errors.ts';
import { Misfit } from '../../src/core/misfit.ts';
import type { ModelVersion } from '../../src/core/model.ts';
import type { Tensors } from '../../src/core/tensor.ts';
import { parseCard } from '../../src/models/card.ts';
import { versionOf } from '../../src/models/open-version.ts';
import { resolveCard } from '../../src/models/resolve-card.ts';
import { type ModelParts, modelVersion, tensor } from '../support/model-version.ts';
import { floats, type Notes, notes, sourceOf, temporaryFolder } from '../support/models.ts';
import { holdsForLoaded } from './loaded-backend.ts';

const folder = temporaryFolder();
const opened: Backend[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(backend => backend.close()));
});
afterAll(() => folder.remove());

interface Asked {
  readonly ensemble?: object;
  readonly card?: object;
  readonly plan?: Partial<WarmUpPlan>;
  readonly log?: Notes;
}

type Opens = () => ModelVersion | Promise<ModelVersion>;

/** An ensemble of `a 1.0.0`, `b 1.0.0`, …, each of what opens it. */
async function ask(members: readonly Opens[], { ensemble = {}, card = {}, plan, log = notes() }: Asked = {}) {
  const names = members.map((_, i) => String.fromCharCode(97 + i));
  const loader = createEnsembleLoader({
    member: async ({ model }) => (members[names.indexOf(model)] as Opens)(),
    log,
    retryMs: 0,
  });
  const raw = { ...card, ensemble: { members: names.map(model => ({ model, version: '1.0.0' })), ...ensemble } };
  const source = sourceOf(folder.path, Buffer.from('{}'), plan);
  const { backend } = await loader.open({
    ...source,
    title: 'all/1.0.0/model.json',
    file: { path: 'none', bytes: 0, derive: async () => 'none' },
    card: raw,
    wishes: { placement: undefined, intraOpThreads: undefined, maxQueueDelayMs: undefined },
  });
  opened.push(backend);
  return backend;
}

/** What is in a file, with all that a version has. */
async function fromFile(file: Buffer, plan: Partial<WarmUpPlan> = {}): Promise<ModelVersion> {
  const source = sourceOf(folder.path, file, plan);
  const backend = createEngineBackend(source, 'in-line', () => openInline(source));
  await backend.load();
  const raw = parseCard('{}', 'model.json');
  const id = { name: 'm', version: '1.0.0' };
  const card = resolveCard({ ...id, file: 'model.json', raw, classes: undefined }, backend.info.signature);
  return versionOf({ ...id, raw, sha256: '0'.repeat(64) }, card, backend);
}

describe('an ensemble', () => {
  holdsForLoaded((file, plan) => ask([() => fromFile(file, plan), () => fromFile(file, plan)], { plan: plan ?? {} }));
});

const OUTPUTS = ['label: string[?]', 'probabilities: float32[?,2]'];

/** A classifier of `no` and `yes` that says this probability of `yes` whatever it is given. */
function says(yes: number, change: Partial<ModelParts> = {}): Opens {
  return () =>
    modelVersion({
      inputs: ['x: float32[?,2]'],
      outputs: OUTPUTS,
      card: { outputs: { classes: ['no', 'yes'] } },
      predict: ({ x }) => answer(x?.dims[0] ?? 0, yes),
      ...change,
    });
}

function answer(rows: number, yes: number): Tensors {
  const row = (values: readonly (number | string)[]) => Array.from({ length: rows }, () => values).flat();
  return {
    label: tensor('string', [rows], row([yes > 0.5 ? 'yes' : 'no'])),
    probabilities: tensor('float32', [rows, 2], row([1 - yes, yes])),
  };
}

const x = floats([2, 2], 1, 2, 3, 4);

async function told(backend: Backend) {
  const { label, probabilities, answered_by: by } = await backend.predict({ x });
  const yes = [1, 3].map(i => Number(Number(probabilities?.data[i]).toFixed(4)));
  expect(yes[0]).toBe(yes[1]);
  return { label: label?.data[0], yes: yes[0], ...(by && { by: by.data[0] }) };
}

describe('members', () => {
  it('by mean are the mean of their probabilities', async () => {
    expect(await told(await ask([says(0.2), says(0.9), says(0.7)]))).toEqual({ label: 'yes', yes: 0.6 });
  });

  it('by vote are what most of them say, and the first of those where votes are equal', async () => {
    const ensemble = { combine: 'vote' };
    expect(await told(await ask([says(0.9), says(0.4), says(0.4)], { ensemble }))).toEqual({
      label: 'no',
      yes: 0.3333,
    });
    expect(await told(await ask([says(0.9), says(0.1)], { ensemble }))).toEqual({ label: 'yes', yes: 0.5 });
    expect(await told(await ask([says(0.1), says(0.9)], { ensemble }))).toEqual({ label: 'no', yes: 0.5 });
  });

  it('by the first that is confident are that one, named; where none is, the surest', async () => {
    const ensemble = { combine: 'first_confident', threshold: 0.8 };
    const confident = await ask([says(0.6), says(0.1), says(0.99)], { ensemble });
    expect(await told(confident)).toEqual({ label: 'no', yes: 0.1, by: 'b 1.0.0' });
    const exact = await ask([says(0.8), says(0.99)], { ensemble });
    expect(await told(exact)).toEqual({ label: 'yes', yes: 0.8, by: 'a 1.0.0' });
    const unsure = await ask([says(0.6), says(0.3), says(0.55)], { ensemble });
    expect(await told(unsure)).toEqual({ label: 'no', yes: 0.3, by: 'b 1.0.0' });
  });

  it('that have their classes in another order, or one column of two, are put in order', async () => {
    const turned = says(0, {
      card: { outputs: { classes: ['yes', 'no'] } },
      predict: ({ x }) => {
        const { label, probabilities } = answer(x?.dims[0] ?? 0, 0.9);
        return {
          label: label as never,
          probabilities: { ...probabilities, data: probabilities?.data.toReversed() } as never,
        };
      },
    });
    const column = says(0, {
      outputs: ['label: string[?]', 'probabilities: float32[?,1]'],
      card: { outputs: { classes: ['no', 'yes'], label: 'label', probabilities: 'probabilities' } },
      predict: ({ x }) => ({
        label: tensor(
          'string',
          [x?.dims[0] ?? 0],
          Array.from({ length: x?.dims[0] ?? 0 }, () => 'no'),
        ),
        probabilities: tensor(
          'float32',
          [x?.dims[0] ?? 0, 1],
          Array.from({ length: x?.dims[0] ?? 0 }, () => 0.3),
        ),
      }),
    });
    expect(await told(await ask([column, turned]))).toEqual({ label: 'yes', yes: 0.6 });
  });

  it('of which one calls its only input otherwise, and takes doubles, are given the same', async () => {
    const seen: Tensors[] = [];
    const other = says(0.8, {
      inputs: ['input: float64[?,2]'],
      predict: inputs => {
        seen.push(inputs);
        return answer(inputs.input?.dims[0] ?? 0, 0.8);
      },
    });
    const backend = await ask([says(0.6), other]);
    expect(backend.info.signature.inputs).toEqual([{ name: 'x', type: 'float64', dims: [null, 2] }]);
    await backend.predict({ x: { type: 'float64', dims: [1, 2], data: Float64Array.of(0.1, 2) } });
    expect(seen.at(-1)).toEqual({ input: { type: 'float64', dims: [1, 2], data: Float64Array.of(0.1, 2) } });
  });

  it('run side by side', async () => {
    let running = 0;
    let most = 0;
    const slow: Opens = () => {
      const version = says(0.5)() as ModelVersion;
      const predict: Backend['predict'] = async inputs => {
        most = Math.max(most, ++running);
        await new Promise(resolve => setTimeout(resolve, 20));
        running--;
        return version.backend.predict(inputs);
      };
      return { ...version, backend: { ...version.backend, predict } };
    };
    await (await ask([slow, slow, slow])).predict({ x });
    expect(most).toBe(3);
  });

  it.each<[string, readonly Opens[], object, RegExp]>([
    [
      'other classes',
      [says(0.5), says(0.5, { card: { outputs: { classes: ['no', 'maybe'] } } })],
      {},
      /member b 1\.0\.0: expected classes no, yes, came no, maybe/,
    ],
    [
      'another width',
      [says(0.5), says(0.5, { inputs: ['x: float32[?,3]'] })],
      {},
      /member b 1\.0\.0: expected input x: float32\[\?,2\], came x: float32\[\?,3\]/,
    ],
    [
      'another kind',
      [says(0.5), says(0.5, { outputs: ['variable: float32[?,1]'], card: {} })],
      {},
      /member b 1\.0\.0: expected a classifier, as the first is, came a regressor/,
    ],
    [
      'no classes to vote on',
      [says(0.5, { outputs: ['variable: float32[?,1]'], card: {} })],
      { combine: 'vote' },
      /combine: "vote" is for classifiers, it is a regressor/,
    ],
    [
      'another scale',
      [says(0.5, featuring(1)), says(0.5, featuring(2))],
      {},
      /member b 1\.0\.0: features of input x: expected .*"std":1.*came .*"std":2/,
    ],
    [
      'no whole version',
      [says(0.5)],
      { members: [{ model: 'a', version: '1' }] },
      /ensemble\.members\.0\.version: expected a whole version like 1\.0\.0: members are pinned/,
    ],
    ['one twice', [says(0.5)], { members: [{ version: '1.0.0' }, { version: '1.0.0' }] }, /expected each member once/],
    [
      'another content than is pinned',
      [says(0.5)],
      { members: [{ model: 'a', version: '1.0.0', sha256: 'f'.repeat(64) }] },
      /member a 1\.0\.0: expected sha256 f+, came 0123abcd/,
    ],
  ])('with %s are refused, with which and why', async (_, members, ensemble, says) => {
    await expect(ask(members, { ensemble })).rejects.toThrow(says);
    if (!('members' in ensemble))
      await expect(ask(members, { ensemble: { ...ensemble, on_missing: 'ignore' } })).rejects.toThrow(says);
  });
});

function featuring(std: number): Partial<ModelParts> {
  const features = [{ name: 'a', scale: { mean: 0, std } }, { name: 'b' }];
  return { card: { features, outputs: { classes: ['no', 'yes'] } } };
}

describe('a member that is away', () => {
  const gone = () => {
    throw new RequestError('model_unavailable', 'infer', 'no answer');
  };

  it('takes the others with it, at once or later', async () => {
    let isAway = false;
    const failing = says(0.9, { predict: ({ x }) => (isAway ? gone() : answer(x?.dims[0] ?? 0, 0.9)) });
    const backend = await ask([says(0.3), failing]);
    isAway = true;
    await expect(backend.predict({ x })).rejects.toMatchObject({
      code: 'model_unavailable',
      message: 'all/1.0.0/model.json: member b 1.0.0: no answer',
    });
    isAway = false;
    expect(await told(backend)).toEqual({ label: 'yes', yes: 0.6 });
    const broken: Opens = () => {
      throw new Error('it is not there');
    };
    await expect(ask([says(0.3), broken])).rejects.toThrow(
      'all/1.0.0/model.json: ensemble: member b 1.0.0: it is not there',
    );
  });

  it('is passed over where the card says so, named by those who answered, and asked again', async () => {
    let isAway = true;
    const failing = says(0.9, { predict: ({ x }) => (isAway ? gone() : answer(x?.dims[0] ?? 0, 0.9)) });
    const backend = await ask([says(0.3), failing], { ensemble: { on_missing: 'ignore' } });
    expect(backend.info.varies).toBe(true);
    expect(await told(backend)).toEqual({ label: 'no', yes: 0.3, by: 'a 1.0.0' });
    isAway = false;
    expect(await told(backend)).toEqual({ label: 'yes', yes: 0.6, by: 'a 1.0.0, b 1.0.0' });
  });

  it('from the start is opened once it is there', async () => {
    let isThere = false;
    const late: Opens = () => {
      if (!isThere) throw new Error('it is not there');
      return says(0.9)();
    };
    const log = notes();
    const backend = await ask([says(0.3), late], { ensemble: { on_missing: 'ignore' }, log });
    expect(await told(backend)).toEqual({ label: 'no', yes: 0.3, by: 'a 1.0.0' });
    expect(backend.status).toMatchObject({
      kind: 'ensemble',
      at: 'mean of 2',
      state: 'up',
      reason: 'b 1.0.0: it is not there',
      parts: [
        { title: 'a 1.0.0', kind: 'onnx', state: 'up' },
        { title: 'b 1.0.0', state: 'away', reason: 'it is not there' },
      ],
    });
    isThere = true;
    await expect.poll(() => told(backend)).toEqual({ label: 'yes', yes: 0.6, by: 'a 1.0.0, b 1.0.0' });
    expect(log.lines).toEqual([
      'all/1.0.0/model.json: member b 1.0.0 is missing: it is not there; the others answer without it',
    ]);
  });

  it('is away for good where all are', async () => {
    const backend = await ask([says(0.3, { predict: ({ x }) => answer(x?.dims[0] ?? 0, 0.3) })], {
      ensemble: { on_missing: 'ignore' },
    });
    expect(await told(backend)).toMatchObject({ yes: 0.3 });
    await expect(ask([gone, gone], { ensemble: { on_missing: 'ignore' } })).rejects.toThrow(
      'member a 1.0.0: no answer',
    );
  });

  it('that may be none fails the ensemble whatever the card says', async () => {
    const nested: Opens = () => {
      throw new Misfit('it is an ensemble itself');
    };
    await expect(ask([says(0.3), nested], { ensemble: { on_missing: 'ignore' } })).rejects.toThrow(
      'ensemble: member b 1.0.0: it is an ensemble itself',
    );
  });

  it('fails only the slice that a member fails on', async () => {
    const picky = says(0.9, {
      predict: ({ x }) => {
        if (x?.data[0] === 13) throw new Error('unlucky');
        return answer(x?.dims[0] ?? 0, 0.9);
      },
    });
    const backend = await ask([says(0.3), picky], { ensemble: { on_missing: 'ignore' } });
    await expect(backend.predict({ x: floats([1, 2], 13, 0) })).rejects.toThrow('unlucky');
    expect(await told(backend)).toMatchObject({ yes: 0.6 });
  });
});
