/**
 * Models at a real MLServer and a real `mlflow models serve`: answered as Python answers them, away while the server is killed, and there again. Makes a Python of its own under `.local/`.
 * Exit status 0: all well.
 */
import assert from 'node:assert/strict';
import { RequestError } from '../../../src/core/errors.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import {
  clear,
  type Expected,
  FEATURES,
  kill,
  makeModels,
  mlflow,
  mlserver,
  openRemote,
  type Program,
  started,
} from './programs.ts';

try {
  const expected = makeModels();
  await holds('MLServer', expected, 'open-inference', await mlserver());
  await holds('MLflow', expected, 'mlflow', await mlflow());
} finally {
  clear();
}

async function holds(title: string, { rows, kinds }: Expected, kind: string, program: Program): Promise<void> {
  const server = await started(program);
  const version = await openRemote(kind, program);
  const { backend, signature } = version;
  const column = (i: number): Tensor => ({
    type: 'float64',
    dims: [rows.length, 1],
    data: Float64Array.from(rows, row => row[i] as number),
  });
  const table: Tensor = { type: 'float64', dims: [rows.length, 4], data: Float64Array.from(rows.flat()) };
  const inputs =
    signature.inputs.length === 1
      ? { [signature.inputs[0]?.name ?? '']: table }
      : Object.fromEntries(FEATURES.map((name, i) => [name, column(i)]));
  const ask = async () =>
    Array.from(Object.values(await backend.predict(inputs))[0]?.data as ArrayLike<number>, Number);

  assert.deepEqual(await ask(), kinds);
  kill(server);
  for (let time = 0; time < 4; time++) {
    const told = await backend.predict(inputs).then(
      () => undefined,
      thrown => thrown,
    );
    assert.ok(told instanceof RequestError && told.code === 'model_unavailable', `while away: ${told}`);
  }
  assert.equal(backend.status?.state, 'away');
  const again = await started(program);
  assert.deepEqual(await ask(), kinds);
  assert.equal(backend.status?.state, 'up');
  console.log(`${title}: ${rows.length} rows as Python answers them; killed and brought back`);
  await backend.close();
  kill(again);
}
