import { readdirSync, statSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CatalogWorld, catalogWorld } from '../../support/catalog-world.ts';

/** The disk under this folder holds so many bytes. */
const disk = vi.hoisted(() => ({
  folder: '',
  bytes: Number.POSITIVE_INFINITY,
  full: (_path: string, _size: number) => {},
}));

vi.mock('node:fs/promises', async original => {
  const real = await original<typeof import('node:fs/promises')>();
  return {
    ...real,
    async open(path: string, flags: string) {
      const handle: FileHandle = await real.open(path, flags);
      const append = handle.appendFile.bind(handle);
      handle.appendFile = async data => {
        disk.full(path, (data as Uint8Array).length);
        await append(data);
      };
      return handle;
    },
    async writeFile(path: string, data: string | Uint8Array) {
      disk.full(path, data.length);
      await real.writeFile(path, data);
    },
  };
});

function spaceTaken(): number {
  const names = readdirSync(disk.folder, { recursive: true, encoding: 'utf8' });
  return names.map(name => statSync(join(disk.folder, name))).reduce((sum, { size }) => sum + size, 0);
}

describe('where the disk under the model cache is full', () => {
  let world: CatalogWorld;
  beforeEach(() => {
    world = catalogWorld();
    disk.folder = world.folder;
    disk.full = (path, size) => {
      if (!path.startsWith(disk.folder) || spaceTaken() + size <= disk.bytes) return;
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
    };
    for (const name of ['a', 'b', 'c']) world.put(`${name}/1.0.0`, [1, 1]);
  });
  afterEach(async () => {
    disk.bytes = Number.POSITIVE_INFINITY;
    await world.close();
  });

  it('what nothing uses makes room', async () => {
    await world.answer('a');
    await world.start();
    await world.answer('b');
    disk.bytes = spaceTaken();
    expect(await world.answer('c')).toBe(2);
    expect(world.log.about(/the disk is full; 1 MB that nothing uses were removed/)).toHaveLength(1);
    expect(readdirSync(world.folder).filter(name => name.endsWith('.part'))).toEqual([]);
    await world.start();
    const reads = world.store.asked.reads.length;
    await world.answer('b'); // it was in use, so its file is still there
    expect(world.store.asked.reads).toHaveLength(reads);
  });

  it('and all of it is used, a version is unavailable, which says what to do, and no other', async () => {
    await world.answer('a');
    disk.bytes = spaceTaken();
    await expect(world.route('b')).rejects.toMatchObject({
      code: 'model_unavailable',
      message: `b/1.0.0/model.onnx: no room in the model cache ${world.folder}: make room there, or set MODEL_CACHE_DIR to a larger disk`,
    });
    expect(await world.answer('a')).toBe(2);
    expect(readdirSync(world.folder).filter(name => /part|tmp/.test(name))).toEqual([]);
    disk.bytes = Number.POSITIVE_INFINITY;
    world.nowMs += 31_000;
    expect(await world.answer('b')).toBe(2);
  });
});
