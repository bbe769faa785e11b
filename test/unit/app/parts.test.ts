import { describe, expect, it } from 'vitest';
import { createParts, type Lifetime } from '../../../src/app/parts.ts';
import { notes } from '../../support/models.ts';

function world() {
  const done: string[] = [];
  const log = notes();
  const { part, close } = createParts(log);
  const say = (what: string) => async () => void done.push(what);
  const named = (name: string, needs: () => Promise<unknown> = async () => undefined) =>
    part(async lifetime => {
      await needs();
      lifetime.finish(say(`finish ${name}`));
      lifetime.free(say(`free ${name}`));
      done.push(`build ${name}`);
      return name;
    });
  return { done, log, part, close, say, named };
}

describe('parts', () => {
  it('are built at their first use, once, however many ask at once', async () => {
    const { done, named } = world();
    const lower = named('lower');
    const [one, other] = [named('one', lower), named('other', lower)];
    named('unused');
    expect(done).toEqual([]);
    expect(await Promise.all([one(), other(), lower(), one()])).toEqual(['one', 'other', 'lower', 'one']);
    expect(done).toEqual(['build lower', 'build one', 'build other']);
  });

  it('all finish before any is freed, the latest built first; what was not used is left alone', async () => {
    const { done, named, close } = world();
    const lower = named('lower');
    const upper = named('upper', lower);
    named('unused', upper);
    await upper();
    done.length = 0;
    await Promise.all([close(), close()]);
    expect(done).toEqual(['finish upper', 'finish lower', 'free upper', 'free lower']);
  });

  it('are built anew after a failure, and what the failed build had is freed at once', async () => {
    const { done, part, say, close } = world();
    let tries = 0;
    const fragile = part(async lifetime => {
      tries++;
      lifetime.finish(say(`finish ${tries}`));
      for (const name of ['first', 'second']) lifetime.free(say(`free ${name} of ${tries}`));
      if (tries < 3) throw new Error(`try ${tries}`);
      return tries;
    });
    await expect(Promise.all([fragile(), fragile()])).rejects.toThrow('try 1');
    await expect(fragile()).rejects.toThrow('try 2');
    expect(done).toEqual(['free second of 1', 'free first of 1', 'free second of 2', 'free first of 2']);
    expect(await fragile()).toBe(3);
    done.length = 0;
    await close();
    expect(done).toEqual(['finish 3', 'free second of 3', 'free first of 3']);
  });

  it('that are being built are waited for and then ended', async () => {
    const { done, part, say, close } = world();
    let go = () => {};
    const slow = part(async (lifetime: Lifetime) => {
      await new Promise<void>(resolve => {
        go = resolve;
      });
      lifetime.free(say('free slow'));
      return 1;
    });
    const asked = slow();
    const closed = close();
    go();
    expect(await asked).toBe(1);
    await closed;
    expect(done).toEqual(['free slow']);
  });

  it('are not built after the end', async () => {
    const { done, named, close } = world();
    const late = named('late');
    await close();
    await expect(late()).rejects.toThrow('the app is closed');
    expect(done).toEqual([]);
  });

  it('end though one of them cannot, which is told', async () => {
    const { done, log, part, named, close } = world();
    const lower = named('lower');
    await lower();
    await part(async lifetime => {
      lifetime.finish(() => Promise.reject(new Error('still busy')));
      lifetime.free(() => Promise.reject(new Error('stuck')));
    })();
    done.length = 0;
    await close();
    expect(done).toEqual(['finish lower', 'free lower']);
    expect(log.lines).toEqual(['closing: still busy', 'closing: stuck']);
  });
});
