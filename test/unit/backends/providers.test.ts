import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxBackends } from '../../../src/backends/onnx/backends.ts';
import { withProviders } from '../../../src/backends/onnx/providers.ts';
import { statusOf } from '../../../src/core/backend.ts';
import { parseCard, wishesOf } from '../../../src/models/card.ts';
import { floats, notes, sourceOf, temporaryFolder } from '../../support/models.ts';
import { BAD, regressor } from '../../support/onnx.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

describe('providers of a card', () => {
  const opens = (here: readonly string[]) => async (providers: readonly string[] | undefined) => {
    const lacking = providers?.find(provider => !here.includes(provider));
    if (lacking !== undefined) throw new Error(`/onnxruntime_src/provider.cc:12 no ${lacking}\nmore`);
    return providers;
  };

  it('are tried in their order, and what is lacking is passed over with why', async () => {
    const known = ['cpu', 'cuda', 'tensorrt'];
    expect(await withProviders(['tensorrt', 'cuda', 'cpu'], known, opens(['cuda', 'cpu']))).toEqual({
      opened: ['cuda', 'cpu'],
      provided: { provider: 'cuda', lacking: [{ provider: 'tensorrt', reason: 'no tensorrt' }] },
    });
    expect(await withProviders(['coreml', 'cpu'], known, opens(['cpu']))).toEqual({
      opened: ['cpu'],
      provided: { provider: 'cpu', lacking: [{ provider: 'coreml', reason: 'ONNX Runtime has none here' }] },
    });
    expect(await withProviders(undefined, known, opens([]))).toEqual({ opened: undefined, provided: undefined });
  });

  it('that are all lacking are an error, since none was to be the processor', async () => {
    await expect(withProviders(['coreml', 'cuda'], ['cuda'], opens([]))).rejects.toThrow(
      'none of its providers is on this machine: coreml: ONNX Runtime has none here; cuda: no cuda',
    );
  });

  it.each(['in-line', 'worker'] as const)(
    'run a model %s on the processor where there is nothing else, said once',
    async placement => {
      const log = notes();
      const backends = createOnnxBackends({ threads: 1, inlineMaxMs: 1, workerMinMs: 5, log });
      const wishes = wishesOf(
        parseCard(JSON.stringify({ runtime: { placement, providers: ['coreml', 'tensorrt', 'cpu'] } }), 'c'),
      );
      try {
        for (let i = 0; i < 2; i++) {
          const backend = backends.open({ ...sourceOf(folder.path, regressor([1, 10])), wishes });
          await backend.load();
          expect((await backend.predict({ x: floats([1, 2], 1, 2) })).variable?.data).toEqual(Float32Array.of(21));
          expect(statusOf(backend)).toEqual({ kind: 'onnx', at: `${placement} on cpu`, state: 'up' });
          await backend.close();
        }
        // Which of them ONNX Runtime knows depends on the system.
        expect(
          log.about(/^some\/1\.0\.0\/model\.onnx: provider (coreml|tensorrt) is not on this machine: .+; passed over$/),
        ).toHaveLength(2);
        expect(log.lines).toHaveLength(2);
      } finally {
        await backends.close();
      }
    },
  );

  it('are not to blame for a file that is none', async () => {
    const log = notes();
    const backends = createOnnxBackends({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log });
    const { file, says } = BAD['no model'] as (typeof BAD)[string];
    const wishes = wishesOf(parseCard('{"runtime": {"providers": ["cuda", "cpu"]}}', 'c'));
    const backend = backends.open({ ...sourceOf(folder.path, file as Buffer), wishes });
    await expect(backend.load()).rejects.toThrow(says as RegExp);
    expect(log.lines).toEqual([]);
    await backends.close();
  });
});
