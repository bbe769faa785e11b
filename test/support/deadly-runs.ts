import { InferenceSession } from 'onnxruntime-node';
import { DEADLY } from './deadly.ts';

/*
 * Loaded before anything else (`NODE_OPTIONS=--import …`) it makes runs deadly for rows whose first value says so, as a model's native code may be: in whichever process they run.
 */

const { prototype } = InferenceSession as unknown as {
  readonly prototype: { run(feeds: Feeds, ...rest: unknown[]): unknown };
};
type Feeds = Readonly<Record<string, { readonly data: ArrayLike<unknown>; readonly dims: readonly number[] }>>;
const { run } = prototype;

prototype.run = function (feeds, ...rest) {
  for (const { data, dims } of Object.values(feeds)) {
    const width = data.length / (dims[0] ?? 1);
    for (let at = 0; at < data.length; at += width) {
      if (data[at] === DEADLY.crash) {
        process.kill(process.pid, 'SIGSEGV');
        for (;;);
      }
      while (data[at] === DEADLY.hang);
    }
  }
  return run.call(this, feeds, ...rest);
};
