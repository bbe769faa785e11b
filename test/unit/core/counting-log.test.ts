import { describe, expect, it } from 'vitest';
import { createCountingLog } from '../../../src/core/counting-log.ts';
import { notes } from '../../support/models.ts';

/** A log in a time of its own: `pass` lets it go by and runs what is due. */
function world() {
  let nowMs = 0;
  const due: { readonly atMs: number; readonly what: () => void }[] = [];
  const inner = notes();
  const log = createCountingLog(
    inner,
    () => nowMs,
    (ms, what) => void due.push({ atMs: nowMs + ms, what }),
  );
  const pass = (ms: number) => {
    nowMs += ms;
    for (const { what } of due.splice(0).filter(({ atMs }) => atMs <= nowMs)) what();
  };
  return { log, pass, lines: inner.lines };
}

describe('a log', () => {
  it('prints ten of a kind a minute and says how many more there were, with the last', () => {
    const { log, pass, lines } = world();
    for (let i = 0; i < 1000; i++) log.warn(`looking for holes in partition 3: try ${i}`);
    expect(lines).toHaveLength(10);
    log.warn('something else');
    expect(lines).toHaveLength(11);
    pass(60_000);
    expect(lines.slice(11)).toEqual([
      '990 more like it within a minute, the last: looking for holes in partition 3: try 999 (see docs/operate.md#holes-filled)',
    ]);
    log.warn('looking for holes in partition 4: again');
    expect(lines.at(-1)).toBe('looking for holes in partition 4: again (see docs/operate.md#holes-filled)');
  });

  it('says nothing of what came no more than ten times', () => {
    const { log, pass, lines } = world();
    for (let i = 0; i < 10; i++) log.error(`model storage ${i}`);
    pass(60_000);
    expect(lines).toHaveLength(10);
  });

  it('tells a bounded number of kinds apart', () => {
    const { log, lines } = world();
    for (let i = 0; i < 5000; i++) log.info(`model ${String.fromCharCode(0x4e00 + i)}`);
    expect(lines).toHaveLength(510);
  });

  it('says by a message where it is explained', () => {
    const { log, lines } = world();
    log.error('loading m 1.0.0: checksum differs; this version does not serve');
    log.warn('circuit breaker of the results hub is open: it failed 5 times in a row, at last: away; next try in 60 s');
    log.warn('of no kind');
    expect(lines).toEqual([
      expect.stringMatching(/does not serve \(see docs\/operate\.md#version-not-served\)$/),
      expect.stringMatching(/next try in 60 s \(see docs\/operate\.md#circuit-open\)$/),
      'of no kind',
    ]);
  });
});
