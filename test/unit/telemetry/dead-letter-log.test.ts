import { describe, expect, it } from 'vitest';
import { DeadLetterLog } from '../../../src/telemetry/dead-letter-log.ts';
import { notes } from '../../support/models.ts';
import { batch, deadLetter, event, result, scored } from './scored.ts';

function create() {
  const log = notes();
  let nowMs = 1_800_000_000_000;
  const dead = new DeadLetterLog(log, () => nowMs);
  return { log, dead, pass: (ms: number) => (nowMs += ms) };
}

function withDead(count: number) {
  const events = Array.from({ length: count + 1 }, (_, i) => event(i, 0));
  return scored(
    batch(events),
    events.map((one, i) => (i === 0 ? result(one, 1) : deadLetter(one, i === 1 ? 'unknown_model' : 'schema_mismatch'))),
    [],
  );
}

describe('the log of dead letters', () => {
  it('has a line a batch, with ids and codes', () => {
    const { log, dead } = create();
    dead.tell(...withDead(2));
    expect(log.lines).toEqual([
      'inference-requests/2: 2 of 3 requests are dead letters (1 unknown_model, 1 schema_mismatch): inference-requests/2/1 unknown_model, inference-requests/2/2 schema_mismatch',
    ]);
  });

  it('says nothing of a batch without', () => {
    const { log, dead } = create();
    dead.tell(...withDead(0));
    expect(log.lines).toEqual([]);
  });

  it('names the first ones of many', () => {
    const { log, dead } = create();
    dead.tell(...withDead(20));
    expect(log.lines[0]?.match(/inference-requests\/2\/\d+/g)).toHaveLength(8);
    expect(log.lines[0]).toMatch(/, and 12 more$/);
  });

  it('is bounded in a minute, and then says what was left unsaid', () => {
    const { log, dead, pass } = create();
    for (let i = 0; i < 8; i++) dead.tell(...withDead(2));
    expect(log.lines).toHaveLength(5);
    pass(60_000);
    dead.tell(...withDead(1));
    expect(log.lines.slice(5)).toEqual([
      'more dead letters meanwhile: 3 unknown_model, 3 schema_mismatch',
      expect.stringContaining('1 of 2'),
    ]);
  });
});
