import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Tuning, writeCard, writeHostJson } from '../../../../src/cli/tune/write-tuning.ts';
import { parseCard } from '../../../../src/models/card.ts';

const folder = mkdtempSync(join(tmpdir(), 'hubscore-write-tuning-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CHOICE = { placement: 'worker', threads: 2, batch: 32, why: ['because'] } as const;
const TUNING: Tuning = {
  measured_at: '2026-11-21T09:00:00Z',
  hubscore: '0.1.0',
  machine: { cpu: 'a CPU', cores: 2, node: 'v24' },
  requests: '50 cases',
  request_bytes: 180,
  result_bytes: 390,
  why: ['because'],
  curve: [],
  side_by_side: [],
  packs: [],
};

describe('writing to the card', () => {
  it('leaves what else stands there, and what the card schema does not know', () => {
    const file = join(folder, 'model.json');
    const before = {
      name: 'm',
      own: { x: [1] },
      batching: { max_batch_size: 8, max_queue_delay_ms: 3 },
      runtime: { other: 1 },
    };
    writeFileSync(file, `\uFEFF${JSON.stringify(before)}`);
    writeCard(file, CHOICE, TUNING, false);
    const text = readFileSync(file, 'utf8');
    expect(JSON.parse(text)).toEqual({
      name: 'm',
      own: { x: [1] },
      batching: { max_batch_size: 32, max_queue_delay_ms: 3 },
      runtime: { other: 1, placement: 'worker', intra_op_threads: 2 },
      tuning: TUNING,
    });
    expect(parseCard(text, file).runtime).toMatchObject({ placement: 'worker', intra_op_threads: 2 });
  });

  it('makes a card where there is none, without a batch size the model would not take', () => {
    const file = join(folder, 'new.json');
    writeCard(file, CHOICE, TUNING, true);
    expect(JSON.parse(readFileSync(file, 'utf8'))).not.toHaveProperty('batching');
  });

  it('refuses a card that cannot be read, and leaves it as it is', () => {
    const file = join(folder, 'broken.json');
    writeFileSync(file, '{"batching": 7}');
    expect(() => writeCard(file, CHOICE, TUNING, false)).toThrow(/batching/);
    expect(readFileSync(file, 'utf8')).toBe('{"batching": 7}');
  });
});

describe('writing to host.json', () => {
  it('raises the one number, and never lowers it', () => {
    const file = join(folder, 'host.json');
    const text = '{\n  "extensions": { "eventHubs": { "maxEventBatchSize" : 256,\n "prefetchCount": 300 } }\n}';
    writeFileSync(file, text);
    expect(writeHostJson(file, 64)).toBe(256);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(writeHostJson(file, 1000)).toBe(1000);
    expect(readFileSync(file, 'utf8')).toBe(text.replace('256', '1000'));
  });

  it('says so where it cannot', () => {
    const file = join(folder, 'bare.json');
    writeFileSync(file, '{"version":"2.0"}');
    expect(() => writeHostJson(file, 5)).toThrow(/has no extensions\.eventHubs\.maxEventBatchSize/);
    writeFileSync(file, 'no');
    expect(() => writeHostJson(file, 5)).toThrow(/not JSON/);
  });
});
