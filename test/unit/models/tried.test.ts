import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../../src/core/errors.ts';
import { parseCard } from '../../../src/models/card.ts';
import type { GatheredVersion } from '../../../src/models/open-version.ts';
import type { Trial } from '../../../src/models/trial.ts';
import { createTriedFiles, type TriedFiles } from '../../../src/models/tried.ts';
import { refused, type Verdict } from '../../../src/models/verdict.ts';
import { type MemoryBlobs, memoryBlobs } from '../../support/memory-blobs.ts';
import { type Notes, notes, temporaryFolder } from '../../support/models.ts';
import { passing, versionNamed } from '../../support/tried-version.ts';

const OPENER = fileURLToPath(new URL('../../support/dying-opener.ts', import.meta.url));
const signal = AbortSignal.timeout(120_000);

describe('files that are tried before they are opened', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let shared: MemoryBlobs;
  let log: Notes;
  let nowMs: number;
  let trials: number;

  beforeEach(() => {
    folder = temporaryFolder();
    shared = memoryBlobs();
    log = notes();
    nowMs = Date.now();
    trials = 0;
  });
  afterEach(() => folder.remove());

  /** A process: another one on this machine has the same folder, one elsewhere another. */
  function process(
    found: () => Promise<Verdict> = () => passing(undefined as never, signal),
    dir = 'here',
  ): TriedFiles {
    const trial: Trial = () => {
      trials++;
      return found();
    };
    return createTriedFiles({ trial, dir: join(folder.path, dir), shared, clock: () => nowMs, log });
  }
  const open = (tried: TriedFiles, version: GatheredVersion = versionNamed('m')) =>
    tried.open(version, signal, async ({ memoryBytes }) => memoryBytes);
  const refusal = (loss?: 'died' | 'time' | 'memory') => async () => refused('m: no good', loss);

  describe('their verdict', () => {
    it('is found out once however many ask, here and elsewhere, now and later', async () => {
      const here = process();
      expect(await Promise.all([open(here), open(here)])).toEqual([7e6, 7e6]);
      expect(await open(here)).toBe(7e6);
      expect(await open(process())).toBe(7e6);
      expect(await open(process(undefined, 'elsewhere'))).toBe(7e6);
      expect(trials).toBe(1);
      shared.away = true;
      expect(await open(process())).toBe(7e6);
      expect(await open(process(undefined, 'elsewhere'))).toBe(7e6);
      expect(trials).toBe(1);
    });

    it('is of the file, what lies beside it, the card, and what runs it; not of how a card is written', async () => {
      const card = (text: string) => versionNamed('m', {}, parseCard(text, 'card'));
      const tried = process();
      const same = [
        card('{"features":[{"name":"a","range":[0,1]}],"task":"t"}'),
        card('{"task":"t","name":"m","version":"1.0.0","features":[{"range":[0,1],"name":"a"}]}'),
        card(`{"sha256":"${'a'.repeat(64)}","features":[{"name":"a","range":[0,1]}],"task":"t","experiment_id":null}`),
      ];
      const { gathered, loader } = versionNamed('m');
      const others = [
        versionNamed('m'),
        versionNamed('other'),
        card('{"features":[{"name":"a","range":[0,2]}],"task":"t"}'),
        card('{"features":[{"name":"b","range":[0,1]}],"task":"t"}'),
        versionNamed('m', { version: '1.0.1' }),
        versionNamed('m', { sha256: 'b'.repeat(64) }),
        versionNamed('m', { gathered: { ...gathered, beside: { 'm.data': 'c'.repeat(64) } } }),
        versionNamed('m', { gathered: { ...gathered, beside: { 'm.data': 'd'.repeat(64) } } }),
        versionNamed('m', { loader: { ...loader, runtime: 'some runtime 1.1' } }),
      ];
      for (const version of [...same, ...same]) await open(tried, version);
      expect(trials).toBe(1);
      for (const version of [...others, ...others]) await open(tried, version);
      expect(trials).toBe(1 + others.length);
    });

    it('in words is as good elsewhere; one by a lost process is this machine’s', async () => {
      await expect(open(process(refusal()))).rejects.toThrow('m: no good');
      await expect(open(process(undefined, 'elsewhere'))).rejects.toThrow('m: no good');
      expect(trials).toBe(1);
      const other = versionNamed('other');
      for (const loss of ['died', 'time', 'memory'] as const) {
        await expect(open(process(refusal(loss), loss), other)).rejects.toThrow('m: no good');
        expect(await open(process(undefined, `not ${loss}`), other)).toBe(7e6);
        shared = memoryBlobs();
      }
    });

    it('against it is looked into again, ever later, also by the next process', async () => {
      const waits: number[] = [];
      await expect(open(process(refusal('time')))).rejects.toThrow('m: no good');
      for (let before = nowMs; waits.length < 7; nowMs += 1_000) {
        const count = trials;
        await expect(open(process(refusal('time')))).rejects.toThrow('m: no good');
        if (trials === count) continue;
        waits.push(nowMs - before);
        before = nowMs;
      }
      expect(waits).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
      nowMs += 600_000;
      expect(await open(process())).toBe(7e6);
      expect(await open(process(refusal('time')))).toBe(7e6);
    });

    it('is none where nothing could be tried', async () => {
      const away = process(async () => {
        throw new InfrastructureError('trying m: no process to be had');
      });
      await expect(open(away)).rejects.toThrow(InfrastructureError);
      expect(await open(process())).toBe(7e6);
    });

    it('is found out here where storage does not keep it, which is said once', async () => {
      shared = {
        ...shared,
        writeText: async () => {
          throw new InfrastructureError('writing verdicts/…: This request is not authorized');
        },
      };
      const here = process();
      await open(here);
      await open(here, versionNamed('other'));
      expect(log.about(/sharing verdicts: .*not authorized; models are tried on this machine/)).toHaveLength(1);
      await open(process());
      expect(trials).toBe(2);
    });

    it('that cannot be read is none', async () => {
      await open(process());
      const [name] = readdirSync(join(folder.path, 'here/verdicts'));
      shared.put(`verdicts/${name}`, '{"schema":0,"ok":true}');
      await open(process(undefined, 'elsewhere'));
      expect(trials).toBe(2);
    });

    it('comes after the one who asked has gone', async () => {
      let pass = () => {};
      const slow = process(() => new Promise(resolve => (pass = () => resolve(passing(undefined as never, signal)))));
      const gone = new AbortController();
      const asked = slow.open(versionNamed('m'), gone.signal, async () => 1);
      await expect.poll(() => trials).toBe(1);
      gone.abort(new Error('too late'));
      await expect(asked).rejects.toThrow('too late');
      pass();
      expect(await open(slow)).toBe(7e6);
      expect(trials).toBe(1);
    });
  });

  describe('that ended the process that opened them', () => {
    /** Opens the file in a process that ends meanwhile. */
    async function openAndDie(): Promise<void> {
      const child = spawn(globalThis.process.execPath, [OPENER, join(folder.path, 'here'), 'die', String(nowMs)]);
      await once(child, 'exit');
    }

    it('are tried once more, and opened again where they pass', async () => {
      await openAndDie();
      expect(await open(process())).toBe(7e6);
      expect(log.about(/m\/1\.0\.0\/model\.onnx: a process ended while it opened this file/)).toHaveLength(1);
      expect(trials).toBe(1);
      expect(await open(process(refusal('died')))).toBe(7e6);
      expect(readdirSync(join(folder.path, 'here/marks'))).toEqual([]);
    });

    it('are tried once more though the process that began with that ended, too', async () => {
      await openAndDie();
      const away = process(async () => {
        throw new InfrastructureError('closing');
      });
      await expect(open(away)).rejects.toThrow('closing');
      expect(await open(process())).toBe(7e6);
      expect(trials).toBe(2);
    });

    it('are left alone where they end that one too', async () => {
      await openAndDie();
      await expect(open(process(refusal('died')))).rejects.toThrow('m: no good');
      await expect(open(process())).rejects.toThrow('m: no good');
      nowMs += 30_000;
      expect(await open(process())).toBe(7e6);
    });

    it('a second time are left alone for ever longer, though they pass', async () => {
      for (const [deaths, waitMs] of [30_000, 60_000, 120_000].entries()) {
        await openAndDie();
        if (deaths === 0) await openAndDie();
        await expect(open(process())).rejects.toThrow(
          `m/1.0.0/model.onnx: ${deaths + 2} processes in a row ended while they opened it, though it passes where it is tried`,
        );
        expect(trials).toBe(deaths + 1);
        nowMs += waitMs - 1;
        await expect(open(process())).rejects.toThrow('processes in a row');
        nowMs += 1;
      }
      expect(await open(process())).toBe(7e6);
      expect(readdirSync(join(folder.path, 'here/marks'))).toEqual([]);
    });

    it('are not those that a live process opens just now', async () => {
      const child = spawn(globalThis.process.execPath, [OPENER, join(folder.path, 'here'), 'stay', String(nowMs)]);
      await once(child.stdout, 'data');
      expect(await open(process())).toBe(7e6);
      expect(trials).toBe(0); // by the child
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(await open(process())).toBe(7e6);
      expect(trials).toBe(1);
    });
  });
});
