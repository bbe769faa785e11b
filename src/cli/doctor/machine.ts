import { asError } from '../../core/errors.ts';
import { type Check, fail, ok } from './check.ts';

/** Azure Functions runs this app on Node 22. */
const OLDEST_NODE = 22;

/** Node and the ONNX Runtime of this machine. */
export function checkMachine(version = process.versions.node): Check {
  return {
    name: 'machine',
    async run() {
      const major = Number(version.split('.')[0]);
      const node =
        major >= OLDEST_NODE
          ? ok(`Node ${version}`)
          : fail(`Node ${version} is too old`, `Install Node ${OLDEST_NODE} or newer.`);
      return [node, await tryRuntime()];
    },
  };
}

async function tryRuntime() {
  const platform = `${process.platform}/${process.arch}`;
  try {
    await import('onnxruntime-node');
    return ok(`ONNX Runtime loads on ${platform}`);
  } catch (thrown) {
    return fail(
      `ONNX Runtime does not load on ${platform}: ${asError(thrown).message.split('\n')[0]}`,
      'Run `npm install` again on this machine; on Linux it needs glibc 2.28 or newer (not Alpine).',
    );
  }
}
