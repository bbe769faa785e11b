import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createMicroBatcher, type MicroBatcherOptions } from '../../../src/backends/micro-batcher.ts';
import { type Backend, type PredictOptions, WaitedTooLong } from '../../../src/core/backend.ts';
import { InfrastructureError } from '../../../src/core/errors.ts';
import type { Tensors } from '../../../src/core/tensor.ts';
import { floats } from '../../support/models.ts';

interface Run {
  readonly rows: readonly number[];
  readonly options: PredictOptions | undefined;
  /** Ends the run: every row doubled. */
  finish(): void;
  fail(error: Error): void;
}

/** A model that doubles, whose runs end when the test says so. */
class Doubler implements Backend {
  readonly runs: Run[] = [];
  closed = false;
  readonly info: Backend['info'] = {
    signature: {
      inputs: [{ name: 'x', type: 'float32', dims: [null, null] }],
      outputs: [{ name: 'y', type: 'float32', dims: [null, 1] }],
      opaqueOutputs: [],
    },
    placement: 'worker',
    warmUpMs: 1,
    memoryBytes: 0,
    maxBatchSize: 8,
  };
  outputs = (x: Tensors): Tensors => {
    const { dims, data } = x.x as Tensors[string];
    return { y: { type: 'float32', dims, data: Float32Array.from(data as Float32Array, value => 2 * value) } };
  };
  load = async () => this.info;
  close = async () => {
    this.closed = true;
  };

  predict(inputs: Tensors, options?: PredictOptions): Promise<Tensors> {
    return new Promise((resolve, reject) => {
      this.runs.push({
        rows: [...((inputs.x as Tensors[string]).data as Float32Array)],
        options,
        finish: () => resolve(this.outputs(inputs)),
        fail: reject,
      });
    });
  }
}

/** What was asked ends before the next lines of the test. */
const settled = () => vi.advanceTimersByTimeAsync(0);
const rows = (...values: number[]): Tensors => ({ x: floats([values.length, 1], ...values) });
const valuesOf = async (answer: Promise<Tensors>) => [...((await answer).y as Tensors[string]).data] as number[];

describe('micro-batcher', () => {
  let model: Doubler;
  beforeEach(() => {
    vi.useFakeTimers();
    model = new Doubler();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function open(options: Partial<MicroBatcherOptions> = {}): Backend {
    return createMicroBatcher(model, { runs: 1, maxQueueDelayMs: 0, ...options });
  }
  async function finishAll(): Promise<void> {
    for (let run = 0; run < model.runs.length; run++) {
      model.runs[run]?.finish();
      await settled();
    }
  }
  const ran = () => model.runs.map(run => run.rows);

  it('runs at once what finds the model free, and together what waits for it', async () => {
    const batcher = open();
    const answers = [rows(1, 2), rows(3), rows(4, 5), rows(6)].map(inputs => valuesOf(batcher.predict(inputs)));
    expect(ran()).toEqual([[1, 2]]);
    await finishAll();
    expect(ran()).toEqual([
      [1, 2],
      [3, 4, 5, 6],
    ]);
    expect(await Promise.all(answers)).toEqual([[2, 4], [6], [8, 10], [12]]);
  });

  it('begins the next run before the callers of the last go on', async () => {
    const batcher = open();
    const first = batcher.predict(rows(0)).then(() => model.runs.length);
    void batcher.predict(rows(1));
    model.runs[0]?.finish();
    expect(await first).toBe(2);
  });

  it('gives as many runs at once as it may', () => {
    const batcher = open({ runs: 2 });
    for (const value of [1, 2, 3]) void batcher.predict(rows(value));
    expect(ran()).toEqual([[1], [2]]);
  });

  it('fills a run up to the batch size and no further, in order', async () => {
    const batcher = open();
    const full = rows(1, 1, 1, 1, 1, 1, 1, 1);
    for (const inputs of [rows(0), full, rows(1, 2, 3), rows(4, 5, 6), rows(7, 8, 9), rows(10, 11)]) {
      void batcher.predict(inputs);
    }
    await finishAll();
    expect(ran().slice(2)).toEqual([
      [1, 2, 3, 4, 5, 6, 10, 11],
      [7, 8, 9],
    ]);
  });

  it('lays a run ready behind each that is under way, once it is more than half full, and no more', async () => {
    const batcher = open();
    for (const inputs of [rows(0), rows(1, 2, 3, 4)]) void batcher.predict(inputs);
    expect(ran()).toEqual([[0]]);
    void batcher.predict(rows(5));
    expect(ran()).toEqual([[0], [1, 2, 3, 4, 5]]);
    void batcher.predict(rows(6, 7, 8, 9, 10, 11, 12, 13));
    expect(ran()).toHaveLength(2);
    await finishAll();
    expect(ran().slice(2)).toEqual([[6, 7, 8, 9, 10, 11, 12, 13]]);
  });

  it('gives a server no more runs at once than it may have, however full', async () => {
    const batcher = createMicroBatcher(model, { runs: 1, ahead: 0, maxQueueDelayMs: 0 });
    const answers = [[1], [2, 3, 4, 5, 6, 7, 8], [9]].map(values => batcher.predict(rows(...values)));
    expect(model.runs.map(run => run.rows)).toEqual([[1]]);
    model.runs[0]?.finish();
    await settled();
    expect(model.runs.map(run => run.rows)).toEqual([[1], [2, 3, 4, 5, 6, 7, 8, 9]]);
    model.runs[1]?.finish();
    expect(await Promise.all(answers.map(valuesOf))).toEqual([[2], [4, 6, 8, 10, 12, 14, 16], [18]]);
  });

  it('takes the most urgent first, and gives a run the priority of its most urgent', async () => {
    const batcher = open();
    void batcher.predict(rows(0));
    void batcher.predict(rows(0, 0, 0, 0, 0, 0, 0, 0)); // lies ready
    for (const [value, priority] of [
      [1, 5],
      [2, 1],
      [3, 0],
      [4, 1],
    ] as const) {
      void batcher.predict(rows(value, value, value), { priority });
    }
    await finishAll();
    expect(ran().slice(2)).toEqual([
      [3, 3, 3, 2, 2, 2],
      [4, 4, 4, 1, 1, 1],
    ]);
    expect(model.runs.map(({ options }) => options?.priority)).toEqual([1, 1, 0, 1]);
  });

  it('keeps apart what has other dimensions', async () => {
    const batcher = open();
    const wide = { x: floats([1, 2], 7, 8) };
    const answers = [rows(0), rows(1), wide, rows(2), wide].map(inputs => valuesOf(batcher.predict(inputs)));
    await finishAll();
    expect(ran()).toEqual([[0], [1, 2], [7, 8, 7, 8]]);
    expect(await Promise.all(answers)).toEqual([[0], [2], [14, 16], [4], [14, 16]]);
  });

  it('puts texts together', async () => {
    const texts = (...data: string[]): Tensors => ({ x: { type: 'string', dims: [data.length, 1], data } });
    model.outputs = inputs => ({ y: inputs.x as Tensors[string] });
    const batcher = open();
    const answers = [texts('a'), texts('b', 'c'), texts('d')].map(inputs => batcher.predict(inputs));
    await finishAll();
    expect(model.runs).toHaveLength(2);
    expect((await Promise.all(answers)).map(({ y }) => y)).toEqual([
      { type: 'string', dims: [1, 1], data: ['a'] },
      { type: 'string', dims: [2, 1], data: ['b', 'c'] },
      { type: 'string', dims: [1, 1], data: ['d'] },
    ]);
  });

  it('does a failed run again slice by slice: only the bad row fails', async () => {
    const batcher = open();
    void batcher.predict(rows(0));
    const good = valuesOf(batcher.predict(rows(1)));
    const bad = batcher.predict(rows(-1)).catch(thrown => (thrown as Error).message);
    const alsoGood = valuesOf(batcher.predict(rows(2)));
    model.runs[0]?.finish();
    await settled();
    model.runs[1]?.fail(new Error('one of them is bad'));
    await settled();
    model.runs[2]?.finish();
    await settled();
    model.runs[3]?.fail(new Error('bad'));
    await settled();
    model.runs[4]?.finish();
    expect(ran()).toEqual([[0], [1, -1, 2], [1], [-1], [2]]);
    expect(await Promise.all([good, bad, alsoGood])).toEqual([[2], 'bad', [4]]);
  });

  it('puts nothing together any more where outputs are not one a row', async () => {
    model.outputs = () => ({ y: floats([1], 42) });
    const batcher = open();
    const answers = [0, 1, 2, 3, 4].map(value => valuesOf(batcher.predict(rows(value))));
    await finishAll();
    expect(await Promise.all(answers)).toEqual([[42], [42], [42], [42], [42]]);
    for (const value of [5, 6, 7]) void batcher.predict(rows(value));
    await finishAll();
    expect(ran().slice(-3)).toEqual([[5], [6], [7]]);
  });

  it('never puts together where an output begins with as many as it has labels, be there as many rows', async () => {
    Object.assign(model.info.signature.outputs[0] as object, { dims: [3, null, 2] });
    const batcher = open();
    for (const value of [1, 2, 3, 4]) void batcher.predict(rows(value));
    await finishAll();
    expect(ran()).toEqual([[1], [2], [3], [4]]);
  });

  it('passes slices on as they are where the model takes one batch size only', () => {
    Object.assign(model.info.signature.inputs[0] as object, { dims: [1, 1] });
    const batcher = open();
    for (const value of [1, 2, 3]) void batcher.predict(rows(value));
    expect(ran()).toEqual([[1], [2], [3]]);
  });

  it('holds rows back for others as long as it may, unless a batch is full', async () => {
    const batcher = open({ maxQueueDelayMs: 20, runs: 3 });
    void batcher.predict(rows(1));
    await vi.advanceTimersByTimeAsync(15);
    void batcher.predict(rows(2));
    expect(ran()).toEqual([]);
    await vi.advanceTimersByTimeAsync(5);
    expect(ran()).toEqual([[1, 2]]);
    for (let value = 0; value < 8; value++) void batcher.predict(rows(value));
    expect(ran().slice(1)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]]);
    void batcher.predict(rows(9)); // the delay begins anew
    await vi.advanceTimersByTimeAsync(19);
    expect(ran()).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(ran().slice(2)).toEqual([[9]]);
  });

  it('gives up what has waited too long, and what comes back for that reason from within', async () => {
    const batcher = open();
    const first = batcher.predict(rows(0), { maxWaitMs: 50 });
    const late = batcher.predict(rows(1), { maxWaitMs: 50 }).catch(thrown => thrown as Error);
    const patient = valuesOf(batcher.predict(rows(2), { maxWaitMs: 100 }));
    await vi.advanceTimersByTimeAsync(60);
    model.runs[0]?.finish();
    expect(await late).toBeInstanceOf(WaitedTooLong);
    await first;
    expect(ran()).toEqual([[0], [2]]);
    expect(model.runs[1]?.options?.maxWaitMs).toBe(40);
    const [second, third] = [batcher.predict(rows(3)), batcher.predict(rows(4))].map(asked =>
      asked.catch(thrown => thrown),
    );
    model.runs[1]?.finish();
    expect(await patient).toEqual([4]);
    model.runs[2]?.fail(new WaitedTooLong('no thread was free'));
    expect(await second).toBeInstanceOf(WaitedTooLong);
    expect(await third).toBeInstanceOf(WaitedTooLong);
    expect(ran()).toEqual([[0], [2], [3, 4]]);
  });

  it('lets go at once of what is aborted, waiting or running; the others go on', async () => {
    const batcher = open();
    const [waiting, running] = [new AbortController(), new AbortController()];
    const first = valuesOf(batcher.predict(rows(0)));
    const withdrawn = batcher.predict(rows(1), { signal: waiting.signal }).catch(thrown => (thrown as Error).message);
    const given = batcher.predict(rows(2), { signal: running.signal }).catch(thrown => (thrown as Error).message);
    const other = valuesOf(batcher.predict(rows(3)));
    waiting.abort(new Error('too late'));
    expect(await withdrawn).toBe('too late');
    model.runs[0]?.finish();
    expect(await first).toEqual([0]);
    expect(ran()).toEqual([[0], [2, 3]]);
    running.abort(new Error('gone'));
    expect(await given).toBe('gone');
    model.runs[1]?.finish();
    expect(await other).toEqual([6]);
  });

  it('refuses more than may wait', async () => {
    const batcher = open({ maxWaiting: 2 });
    for (const value of [0, 1, 2]) void batcher.predict(rows(value));
    await expect(batcher.predict(rows(3))).rejects.toThrow(InfrastructureError);
    await finishAll();
    expect(ran()).toEqual([[0], [1, 2]]);
  });

  it('ends what waits before it closes', async () => {
    const batcher = open({ maxQueueDelayMs: 1000 });
    const waiting = valuesOf(batcher.predict(rows(1)));
    const closing = batcher.close();
    await settled();
    expect(model.closed).toBe(false);
    await finishAll();
    expect(await waiting).toEqual([2]);
    await closing;
    expect(model.closed).toBe(true);
    await expect(batcher.predict(rows(2))).rejects.toThrow('closed');
  });
});
