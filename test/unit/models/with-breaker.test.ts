import { describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../../src/core/errors.ts';
import { createBreaker } from '../../../src/core/retry-policies.ts';
import { BlobGone, type ModelStore } from '../../../src/models/store.ts';
import { withBreaker } from '../../../src/models/with-breaker.ts';
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
    const store = withBreaker({ list: away, readText: away } as unknown as ModelStore, breaker);
    const { signal } = new AbortController();
    for (let i = 0; i < 4; i++) await expect(store.list(signal)).rejects.toThrow('storage is away');
    await expect(store.readText('a/deployment.json', signal)).rejects.toThrow('storage is away');
    await expect(store.list(signal)).rejects.toThrow(/blob storage failed 5 times in a row/);
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
    const store = withBreaker({ readText: gone } as unknown as ModelStore, breaker);
    for (let i = 0; i < 3; i++) {
      await expect(store.readText('a/1.0.0/model.json', new AbortController().signal)).rejects.toThrow('is gone');
    }
    expect(breaker.state).toBe('closed');
  });
});
