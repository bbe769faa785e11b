import { afterEach, expect, it, vi } from 'vitest';
import { hostLog, inInvocation } from '../../../src/app/invocation-log.ts';

afterEach(() => vi.restoreAllMocks());

function listen() {
  const lines: string[] = [];
  for (const level of ['info', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation(line => void lines.push(`console.${level} ${line}`));
  }
  const context = {
    warn: (line: string) => void lines.push(`context.warn ${line}`),
    error: (line: string) => void lines.push(`context.error ${line}`),
  };
  return { lines, context };
}

it('keeps the level of a line by its context, and by its first word where there is none', async () => {
  const { lines, context } = listen();
  await inInvocation(context, async () => {
    await Promise.resolve();
    hostLog.warn('it failed 5 times');
    hostLog.error('a model does not load');
    hostLog.info('storage is back');
  });
  hostLog.warn('it failed 5 times');
  hostLog.error('a model does not load');
  expect(lines).toEqual([
    'context.warn it failed 5 times',
    'context.error a model does not load',
    'console.info storage is back',
    'console.warn warning: it failed 5 times',
    'console.error error: a model does not load',
  ]);
});

it('logs by no context that is over', async () => {
  const { lines, context } = listen();
  let later: Promise<void> | undefined;
  await inInvocation(context, async () => {
    later = new Promise(resolve => setImmediate(resolve)).then(() => hostLog.warn('found later'));
  });
  await later;
  expect(lines).toEqual(['console.warn warning: found later']);
});

it('keeps two invocations apart', async () => {
  const { lines } = listen();
  const of = (name: string) => ({
    warn: (line: string) => void lines.push(`${name} ${line}`),
    error: () => {},
  });
  const work = async () => {
    await Promise.resolve();
    hostLog.warn('here');
  };
  await Promise.all([inInvocation(of('one'), work), inInvocation(of('two'), work)]);
  expect(lines).toEqual(['one here', 'two here']);
});
