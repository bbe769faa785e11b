import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { csvCell } from '../../../src/batch/cells.ts';
import type { Catalog } from '../../../src/core/catalog.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import type { Prediction } from '../../../src/core/prediction.ts';
import type { TensorSpec } from '../../../src/core/tensor.ts';
import { csvTable, openVersion, scoreInRanges, sums, TIMESTAMP } from '../../support/batch.ts';
import { openScoring } from '../../support/open-scoring.ts';

const opened: { close(): Promise<void> }[] = [];
afterAll(() => Promise.all(opened.map(model => model.close())));

async function open(path: string): Promise<ModelVersion> {
  const model = await openVersion(path);
  opened.push(model);
  return model.version;
}

/** What the stream answers to the same values, each as text under its feature's name. */
async function streamed(version: ModelVersion, rows: readonly Record<string, string>[]) {
  const route = { version, requestedVersion: undefined, fallback: false, variant: undefined };
  const catalog: Catalog = { routing: () => ({ route }), fallbackFor: async () => undefined, list: async () => [] };
  const endings = await openScoring(catalog).predict(
    rows.map((features, i) => ({
      resultId: `r/0/${i}`,
      requestId: `u${i}`,
      model: undefined,
      modelVersion: undefined,
      features: Object.fromEntries(Object.entries(features).map(([name, text]) => [name, listOr(text)])),
      priority: 1,
      enqueuedAtMs: 0,
      timeoutMs: undefined,
      routingKey: '',
      segments: [],
    })),
    new AbortController().signal,
  );
  return endings;
}

function listOr(text: string): unknown {
  return text.startsWith('[') ? JSON.parse(text) : text;
}

function casesOf(path: string): Record<string, unknown>[] {
  const text = readFileSync(join(import.meta.dirname, '../../..', path, 'cases.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map(line => (JSON.parse(line) as { features: Record<string, unknown> }).features);
}

describe('rows of a CSV are answered as the stream answers them', () => {
  it.each([
    'samples/models/diabetes/1.0.0',
    'samples/models/diabetes/1.1.0',
    'samples/models/churn/1.0.0',
    'samples/models/sentiment/1.0.0',
    'samples/models/topic/1.0.0',
    'test/fixtures/models/wine-multi/1.0.0',
    'test/fixtures/models/house-price/1.0.0',
    'test/fixtures/models/iris-fixed-batch/1.0.0',
    'test/fixtures/models/diabetes-zipmap/1.0.0',
    'test/fixtures/models/survey-int64/1.0.0',
    'test/fixtures/models/targets/1.0.0',
    'test/fixtures/models/tokens/1.0.0',
    'test/fixtures/models/chance/1.0.0',
    'test/fixtures/models/lookup/1.0.0',
    'test/fixtures/models/image/1.0.0',
    'test/fixtures/models/phrases/1.0.0',
  ])('%s', async path => {
    const version = await open(path);
    const names = version.card.features.map(({ name }) => name);
    const rows = casesOf(path === 'samples/models/diabetes/1.1.0' ? 'samples/models/diabetes/1.0.0' : path)
      .slice(0, 60)
      .map(features => {
        const values = names.map((name, i) => {
          const value =
            names.length === 1 && Array.isArray(features) && features.length > 1
              ? features
              : Array.isArray(features)
                ? features[i]
                : features[name];
          return Array.isArray(value) ? JSON.stringify(value) : String(value);
        });
        return Object.fromEntries(names.map((name, i) => [name, values[i] as string]));
      });
    await expectAsStreamed(version, rows);
  });

  it.each(['echo', 'logarithm', 'ragged-echo', 'total'])('%s, by rows of its types', async name => {
    const version = await open(`test/fixtures/models/${name}/1.0.0`);
    const { inputs } = version.signature;
    const rows = Array.from({ length: 20 }, (_, i) =>
      Object.fromEntries(
        version.card.features.map(({ name, type, input }): [string, string] => {
          const { type: element } = inputs.find(spec => spec.name === input) as TensorSpec;
          if (type === 'string') return [name, `text ${i}, "quoted"`];
          if (element === 'bool') return [name, ['true', 'False', '1', '0', ' TRUE'][i % 5] as string];
          const number = element.startsWith('float') ? i / 2 + 0.5 : i;
          const ragged = Array.from({ length: 1 + (i % 3) }, () => [[number], [0]]);
          return [name, type === 'tensor' ? JSON.stringify(ragged) : String(number)];
        }),
      ),
    );
    await expectAsStreamed(version, rows);
  });
});

async function expectAsStreamed(version: ModelVersion, rows: readonly Record<string, string>[]): Promise<void> {
  const names = version.card.features.map(({ name }) => name);
  const csv = Buffer.from(
    [
      ['id', ...names].map(csvCell).join(','),
      ...rows.map((row, i) => [`u${i}`, ...names.map(name => row[name] as string)].map(csvCell).join(',')),
    ].join('\n'),
  );
  const { output, rejects, broken } = await scoreInRanges(
    await csvTable(version, csv, { includeProbabilities: true }),
    [],
  );
  expect(rejects).toEqual([]);
  expect(broken).toBe(0);
  const [header = [], ...got] = parse(output, ',');
  const endings = await streamed(version, rows);
  expect(got).toHaveLength(rows.length);
  endings.forEach((ending, i) => {
    if (!('predictions' in ending)) throw new Error(`${i}: ${ending.error.message}`);
    const cells = Object.fromEntries(header.map((name, column) => [name, got[i]?.[column]]));
    expect(cells.id).toBe(`u${i}`);
    expect(cells.timestamp).toBe(TIMESTAMP);
    expect(cells.model_version).toBe(version.label);
    const { prediction, probabilities, confidence, outputs } = ending.predictions[0] as Prediction;
    if (header.includes('prediction_class')) {
      expect(cells.prediction_class).toBe(String(prediction));
      const all = probabilities as Record<string, number>;
      for (const [name, value] of Object.entries(all)) expect(cells[`probability_${name}`]).toBe(String(value));
      const second = version.card.outputs.classes?.[1];
      const score = Object.keys(all).length === 2 ? all[String(second)] : confidence;
      expect(cells.prediction_score).toBe(String(score));
    } else if (Array.isArray(prediction) && !header.includes('prediction')) {
      expect(header.filter(name => name.startsWith('prediction_'))).toHaveLength(prediction.length);
      prediction.forEach((value, target) => {
        expect(cells[`prediction_${target}`]).toBe(String(value));
      });
    } else
      expect(cells.prediction).toBe(typeof prediction === 'object' ? JSON.stringify(prediction) : String(prediction));
    expect(cells.outputs).toBe(outputs === undefined ? undefined : JSON.stringify(outputs));
  });
}

/** A CSV's rows by characters, one after the other: slow, and written another way than what is tested. */
function parse(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let [row, cell, state]: [string[], string, 'begin' | 'plain' | 'quoted' | 'closed'] = [[], '', 'begin'];
  const endCell = () => {
    row.push(cell);
    [cell, state] = ['', 'begin'];
  };
  const endRow = () => {
    if (row.length > 0 || cell !== '' || state !== 'begin') {
      endCell();
      rows.push(row);
    }
    row = [];
  };
  const characters = [...text.replaceAll('\r\n', '\n')];
  for (const character of characters) {
    if (state === 'quoted') {
      if (character === '"') state = 'closed';
      else cell += character;
    } else if (state === 'closed' && character === '"') {
      cell += '"';
      state = 'quoted';
    } else if (character === delimiter) endCell();
    else if (character === '\n') endRow();
    else if (state === 'begin' && character === '"') state = 'quoted';
    else {
      cell += character;
      state = 'plain';
    }
  }
  endRow();
  return rows;
}

describe('whatever the CSV, and wherever it is cut', () => {
  const note = fc.oneof(
    fc.constantFrom(
      '',
      'plain',
      'a "quoted" word',
      'fake\n1,2,3,4\n5,6,7,8\n',
      '"""',
      ',',
      ';',
      '\t',
      '|',
      '\n\n',
      'Zoë 東京',
      '\r\n',
      ' ',
    ),
    fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '\n', ' ', 'é', '1') }),
  );
  const number = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: -1000, max: 1000 }).map(String) },
    { weight: 2, arbitrary: fc.double({ noNaN: true, min: -1e6, max: 1e6 }).map(String) },
    { weight: 1, arbitrary: fc.constantFrom('', 'abc', 'NaN', '1e999', '--1', '+5', '.5', '1e2', ' 7 ', '007') },
  );
  const table = fc.record({
    rows: fc.array(fc.record({ note, a: number, b: number, ragged: fc.integer({ min: 0, max: 30 }) }), {
      minLength: 1,
      maxLength: 40,
    }),
    delimiter: fc.constantFrom(',', ';', '\t', '|'),
    newline: fc.constantFrom('\n', '\r\n'),
    bom: fc.boolean(),
    lastNewline: fc.boolean(),
    quoteAll: fc.boolean(),
    blanks: fc.boolean(),
    cuts: fc.array(fc.nat(4000), { maxLength: 6 }),
    tail: fc.integer({ min: 1, max: 200 }),
  });

  it('gives what reading it in one go gives', async () => {
    await fc.assert(
      fc.asyncProperty(table, async ({ rows, delimiter, newline, bom, lastNewline, quoteAll, blanks, cuts, tail }) => {
        const cellOf = (text: string) => {
          const needs = quoteAll || text.includes(delimiter) || /["\r\n]/.test(text);
          return needs ? `"${text.replaceAll('"', '""')}"` : text;
        };
        const lines = rows.map(({ note, a, b, ragged }, i) => {
          const cells = [note, a, `k${i}`, b];
          if (ragged === 0) cells.pop();
          if (ragged === 1) cells.push('more');
          return cells.map(cellOf).join(delimiter) + (blanks && i % 3 === 0 ? newline : '');
        });
        const text =
          ['note', 'a', 'id', 'b'].map(cellOf).join(delimiter) +
          newline +
          lines.join(newline) +
          (lastNewline ? newline : '');
        const bytes = Buffer.from((bom ? '\ufeff' : '') + text);
        const bounds = cuts.map(cut => cut % bytes.length).sort((one, other) => one - other);
        const scored = await csvTable(sums, bytes, { includeFeatures: true, delimiter });
        const { output, rejects, end, rows: read } = await scoreInRanges(scored, bounds, tail);
        const [, ...all] = parse(text, delimiter);
        expect(end).toBe(bytes.length);
        expect(read).toBe(all.length);
        const isNumber = (cell: string) =>
          /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(cell) && Number.isFinite(Math.fround(Number(cell)));
        const good = all.filter(([, a = '', , b = '', ...rest]) => rest.length === 0 && isNumber(a) && isNumber(b));
        const [, ...got] = parse(output, ',');
        expect(got.map(([id, , , , one, a, b]) => [one, a, id, b])).toEqual(good);
        expect(rejects.map(({ row }) => row)).toEqual(all.flatMap((row, i) => (good.includes(row) ? [] : [i + 1])));
        for (const [, prediction, , , , a, b] of got) {
          const sum = Math.fround(Math.fround(Number(a)) + Math.fround(Number(b)));
          expect(Math.fround(Number(prediction)) + 0).toBe(sum + 0);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a CSV', () => {
  const score = async (csv: string | Buffer, change: Parameters<typeof csvTable>[2] = {}) => {
    const bytes = Buffer.from(csv as string);
    return scoreInRanges(await csvTable(sums, bytes, change), []);
  };

  it('numbers its rows where no id column is named', async () => {
    const { output } = await score('a,b\n1,2\nx,2\n3,4\n', { idColumn: undefined });
    expect(output).toBe(
      `row,prediction,timestamp,model_version\n1,3,${TIMESTAMP},1.0.0+0123abcd\n3,7,${TIMESTAMP},1.0.0+0123abcd\n`,
    );
  });

  it('tells of each reject where it stands and why', async () => {
    const { rejects } = await score('a,id,b\n1,u,2\n1,v\n"x""y",w,2\n,z,1\n5,q,1e99');
    expect(rejects).toEqual([
      { row: 2, offset: 13, code: 'malformed_payload', message: 'the row has 2 cells, the header 3', raw: '1,v' },
      {
        row: 3,
        offset: 17,
        code: 'schema_mismatch',
        message: 'feature a is text that is no number; m 1.0.0 takes a number',
        raw: '"x""y",w,2',
      },
      {
        row: 4,
        offset: 28,
        code: 'schema_mismatch',
        message: 'feature a is missing; m 1.0.0 takes a value for it, having none to fill in',
        raw: ',z,1',
      },
      {
        row: 5,
        offset: 33,
        code: 'non_finite_feature',
        message: expect.stringContaining('feature b is not a finite number'),
        raw: '5,q,1e99',
      },
    ]);
  });

  it('counts what it saw of features and scores', async () => {
    const { statistics } = await score('id,a,b\nu,1,0\nv,3,-2.5\nw,x,1\nz,,1\n');
    expect(statistics).toMatchObject({
      rows: { scored: 2, rejected: 2 },
      codes: { schema_mismatch: 2 },
      score: { count: 2, mean: 0.75, min: 0.5, max: 1, bins: [0, 0, 1, 0, 1] },
      features: { a: { count: 2, mean: 2, m2: 2, min: 1, max: 3, missing: 1, not_numeric: 1 } },
    });
  });

  it('in Windows-1252 comes out in UTF-8', async () => {
    const { output } = await score(Buffer.from('id,note,a,b\nu,Zo\xeb \x80,1,2\n', 'latin1'), {
      includeFeatures: true,
    });
    expect(output.split('\n')[1]).toBe(`u,3,${TIMESTAMP},1.0.0+0123abcd,Zoë €,1,2`);
  });

  it('that is UTF-8 and has a cell that is not gets a reject', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`id,note,a,b\nu,Zoë,1,2\n${'v,w,1,2\n'.repeat(10_000)}x,`),
      Buffer.from([0xff]),
      Buffer.from(',1,2\n'),
    ]);
    const { rejects, statistics } = await score(bytes, { includeFeatures: true, encoding: 'utf-8' });
    expect(statistics.rows).toEqual({ scored: 10_001, rejected: 1 });
    expect(rejects).toMatchObject([{ row: 10_002, code: 'malformed_payload', message: 'a cell is no utf-8' }]);
  });

  it.each([
    ['', 'the file is empty; a header and rows are expected'],
    ['id,a,b\n', 'the file has a header and no row'],
    ['id,a,b', 'the file has a header and no row'],
    ['id,a,c\n1,2,3\n', 'the header lacks the feature "b"'],
    ['id,tenure,b\n1,2,3\n', 'the header lacks the feature "a"'],
    ['uid,a,b\n1,2,3\n', 'the header has no id column "id" (the nearest is "uid")'],
    ['id,a,a,b\n1,2,3,4\n', 'the header names "a" twice, as columns 2 and 3; one is expected'],
    [
      'id,a,b\r1,2,3\r',
      'the header cannot be read: a CR stands outside quotes without an LF behind it: all lines end with CR alone; LF or CRLF is expected',
    ],
    ['id,a,b\0\n1,2,3\0\n', 'byte 6 is 0: the file is no text; CSV, NDJSON, Parquet or Avro of Capture is expected'],
  ])('%j is refused', (csv, message) => {
    return expect(csvTable(sums, Buffer.from(csv))).rejects.toThrow(message);
  });

  it('with a column that the output has of its own is refused where it would be kept', async () => {
    const csv = Buffer.from('id,a,b,timestamp\n1,2,3,4\n');
    const refused = csvTable(sums, csv, { includeFeatures: true });
    await expect(refused).rejects.toThrow('has a column "timestamp", which the output has');
    await expect(csvTable(sums, csv)).resolves.toMatchObject({ from: 17 });
  });

  it.each([',', ';', '\t', '|'])('is read by the delimiter %j, told from its header', async delimiter => {
    const { output } = await score('id,a,b\nu,1,2\n'.replaceAll(',', delimiter));
    expect(output).toContain(`\nu,3,${TIMESTAMP},`);
  });

  it('has its rows counted as they are scored', async () => {
    const bytes = Buffer.from(`id,a,b\n${'u,1,2\r\n\r\n"v\n1,2,3",3,4\n'.repeat(50)}`);
    const table = await csvTable(sums, bytes);
    const whole = await table.count({ from: 0, to: bytes.length });
    expect(whole).toEqual({ start: 7, end: bytes.length, rows: 100 });
    const half = { from: 0, to: bytes.length >> 1, tailBytes: 1 };
    const { start, end, rows } = await table.score(half, new AbortController().signal);
    expect(await table.count(half)).toEqual({ start, end, rows });
  });
});
