import { describe, expect, it } from 'vitest';
import { withBreaker } from '../../../src/azure/with-breaker.ts';
import { BlobGone, type Blobs } from '../../../src/core/blobs.ts';
import { InfrastructureError } from '../../../src/core/errors.ts';
import { createBreaker } from '../../../src/core/retry-policies.ts';
import { abortable } from '../../../src/core/waiting.ts';
import { notes } from '../../support/models.ts';

describe('withBreaker', () => {
  it('asks a store no more that was away five times in a row, and says so', async () => {
    let asked = 0;
    const log = notes();
    const away = async () => {
      asked++;
      throw new InfrastructureError('storage is away');
    };
    const breaker = createBreaker(
      { name: 'blob storage', failures: 5, resetMs: 60_000, log },
      error => error instanceof InfrastructureError,
    );
    const blobs = withBreaker({ list: away, readText: away } as unknown as Blobs, breaker);
    const { signal } = new AbortController();
    for (let i = 0; i < 4; i++) await expect(blobs.list('', signal)).rejects.toThrow('storage is away');
    await expect(blobs.readText('a/deployment.json', signal)).rejects.toThrow('storage is away');
    await expect(blobs.list('', signal)).rejects.toThrow(/blob storage failed 5 times in a row/);
    expect(asked).toBe(5);
    expect(breaker.state).toBe('open');
    expect(log.about(/circuit breaker of the blob storage is open/)).toHaveLength(1);
  });

  it('does not take a blob that is not there for a storage that is away', async () => {
    const breaker = createBreaker(
      { name: 'blob storage', failures: 1, resetMs: 60_000, log: notes() },
      error => error instanceof InfrastructureError,
    );
    const gone = async () => {
      throw new BlobGone('a/1.0.0/model.json is gone');
    };
    const blobs = withBreaker({ readText: gone } as unknown as Blobs, breaker);
    for (let i = 0; i < 3; i++) {
      await expect(blobs.readText('a/1.0.0/model.json', new AbortController().signal)).rejects.toThrow('is gone');
    }
    expect(breaker.state).toBe('closed');
  });

  it.each([
    ['calls that are given up since no answer comes', (blobs: Blobs, signal: AbortSignal) => blobs.list('', signal)],
    [
      'downloads that stand still',
      async (blobs: Blobs, signal: AbortSignal) => {
        for await (const _ of await blobs.read('a/1.0.0/model.onnx', 0, '"1"', signal));
      },
    ],
  ])('counts %s', async (_, call) => {
    const breaker = createBreaker(
      { name: 'blob storage', failures: 1, resetMs: 60_000, log: notes() },
      error => error instanceof InfrastructureError,
    );
    const silent = (_path: string, signal: AbortSignal) => abortable(new Promise<never>(() => {}), signal);
    const read = async (path: string, _offset: number, _etag: string, signal: AbortSignal) =>
      (async function* () {
        yield Buffer.from('the first bytes');
        await silent(path, signal);
      })();
    const blobs = withBreaker({ list: silent, read } as unknown as Blobs, breaker);
    await expect(call(blobs, AbortSignal.timeout(20))).rejects.toThrow();
    expect(breaker.state).toBe('open');
  });
});
