import { describe, expect, it } from 'vitest';
import { createLog, messageOf } from '../../../../src/local/functions-host/log.ts';
import type { LogLevel } from '../../../../src/local/functions-host/rpc.ts';

describe('log', () => {
  function lines(levels: Record<string, string>, written: [LogLevel, string][]): string[] {
    const out: string[] = [];
    const log = createLog(
      levels,
      (line, error) => out.push(`${error ? 'err' : 'out'} ${line}`),
      () => 0,
    );
    for (const [level, category] of written) log(level, category, 'text');
    return out;
  }

  it('writes a line with time, level and category, warnings to standard error', () => {
    expect(
      lines({}, [
        ['information', 'Function.f.User'],
        ['warning', 'Host'],
      ]),
    ).toEqual([
      'out 1970-01-01T00:00:00.000Z information Function.f.User: text\n',
      'err 1970-01-01T00:00:00.000Z warning Host: text\n',
    ]);
  });

  it('lets through what the longest matching category of logLevel allows', () => {
    const levels = { default: 'Warning', Function: 'Error', 'Function.f': 'Debug', 'Function.f.User': 'None' };
    const written: [LogLevel, string][] = [
      ['information', 'Host'],
      ['warning', 'Host'],
      ['warning', 'Function.g'],
      ['warning', 'Function.fg'],
      ['debug', 'Function.f'],
      ['trace', 'Function.f'],
      ['critical', 'Function.f.User'],
    ];
    expect(lines(levels, written).map(line => line.split(' ').slice(2, 4).join(' '))).toEqual([
      'warning Host:',
      'debug Function.f:',
    ]);
  });
});

describe('the message of what was thrown', () => {
  it('is words, of AMQP refusals too, which are objects', () => {
    const refusal = { condition: 'amqp:not-found', description: 'the consumer group none is not there' };
    expect(messageOf(refusal)).toBe('amqp:not-found: the consumer group none is not there');
    expect(messageOf(new Error('reading', { cause: refusal }))).toBe(
      'reading: amqp:not-found: the consumer group none is not there',
    );
    expect(messageOf({ odd: 1 })).toBe('{"odd":1}');
    expect(messageOf('text')).toBe('text');
  });
});
