import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonScanner } from '../../../src/codecs/event-json/scan-request.ts';
import { NumberScanner } from '../../../src/core/scan-number.ts';
import { batchOf } from '../../support/events.ts';

const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc
    .tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.integer({ min: 0, max: 20 }))
    .map(([x, n]) => x.toFixed(n)),
  fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
  fc.constantFrom(
    '-0',
    '0',
    '0.0',
    '1e308',
    '-1E+5',
    '3.4028236e38',
    '1e-46',
    '1.401298464324817e-45',
    '9007199254740993',
  ),
);
const brokenNumber = fc.constantFrom(
  '-',
  '.5',
  '1.',
  '1e',
  '01',
  '+1',
  'NaN',
  '1e999',
  'Infinity',
  '0x1',
  '1_0',
  '--1',
  '',
);

describe('NumberScanner', () => {
  it('reads every number as float32 the way JSON.parse and Math.fround do', () => {
    const scanner = new NumberScanner();
    fc.assert(
      fc.property(numberText, text => {
        const end = scanner.scan(Buffer.from(`${text},`), 0);
        const expected = Math.fround(JSON.parse(text) as number);
        if (!Number.isFinite(expected)) return end === -1;
        return end === text.length && Object.is(Math.fround(scanner.value), expected);
      }),
      { numRuns: 20_000 },
    );
  });
});

const id = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.nat(),
  fc.constantFrom('a"b', 'täg', '\\', '12345678901234567890'),
);
const field = fc.constantFrom(
  'request_id',
  'model',
  'model_version',
  'features',
  'priority',
  'Features',
  'feature',
  'ids',
  'on_error',
);
const space = fc.constantFrom('', ' ', '\n\t', '\u00a0');

/** Both steps, as scoring takes them. */
function scan(
  scanner: JsonScanner,
  body: Buffer,
  into: Float32Array | Float64Array,
  row: number,
  width: number,
): boolean {
  const [event] = batchOf([body]).events;
  return event !== undefined && scanner.scan(event) && scanner.readNumbers(into, row * width, width);
}

describe('JsonScanner', () => {
  it('takes the usual request', () => {
    const body = Buffer.from(
      '{"request_id": "r-1", "model": "diabetes", "model_version": "v1", "features": [1, -2.5, 3e2]}',
    );
    const scanner = new JsonScanner();
    const into = new Float32Array(6);
    expect(scan(scanner, body, into, 1, 3)).toBe(true);
    expect([...into]).toEqual([0, 0, 0, 1, -2.5, 300]);
    expect(body.toString('latin1', scanner.idStart, scanner.idEnd)).toBe('"r-1"');
    expect(body.toString('latin1', scanner.modelStart, scanner.modelEnd)).toBe('diabetes');
    expect(body.toString('latin1', scanner.versionStart, scanner.versionEnd)).toBe('v1');
  });

  it('takes a whole number as id and forgets the fields of the request before', () => {
    const scanner = new JsonScanner();
    const into = new Float32Array(1);
    scan(scanner, Buffer.from('{"request_id":"x","model":"m","model_version":"1","features":[1]}'), into, 0, 1);
    const body = Buffer.from('{"features":[2],"request_id":42}');
    expect(scan(scanner, body, into, 0, 1)).toBe(true);
    expect(body.toString('latin1', scanner.idStart, scanner.idEnd)).toBe('42');
    expect([scanner.modelEnd, scanner.versionEnd]).toEqual([0, 0]);
  });

  it.each(
    [
      ['', '[]', '{}', 'null', '{"features":[1,2]', '{"features":[1,2]}x', '{"features":[1]}', '{"features":[1,2,3]}'],
      [
        '{"features":[1,2],}',
        '{"features":[1,,2]}',
        '{"features":[1 2]}',
        '{"features":["1",2]}',
        '{"features":[null,2]}',
      ],
      [
        '{"features":[1,2],"features":[1,2]}',
        '{"features":[1,2],"priority":1}',
        '{"request_id":"\\u0041","features":[1,2]}',
      ],
      [
        '{"request_id":"","features":[1,2]}',
        '{"model":"","features":[1,2]}',
        '{"features":[1,2]}\n{"features":[1,2]}',
        '{"request_id":"r","features":[1,2]}\n{"features":[1,2]}',
        '{"request_id":-1,"features":[1,2]}',
        '{"features":[[1,2],3]}',
        '{"features":[[1,2],[3]]}',
        '{"features":[[1,2],[3,null]]}',
        '{"features":[]}',
        '{"features":[[]]}',
        '{"ids":["a"],"features":[1,2]}',
        '{"ids":["a","b"],"features":[[1,2]]}',
        '{"ids":["\\u0041"],"features":[[1,2]]}',
        '{"ids":[1.5],"features":[[1,2]]}',
        '{"ids":[null],"features":[[1,2]]}',
        '{"ids":[],"features":[[1,2]]}',
        '{"on_error":"ignore","features":[[1,2]]}',
        '{"on_error":skip,"features":[[1,2]]}',
        '{"features":{"a":1}}',
      ],
    ].flat(),
  )('leaves %s to the plain road', text => {
    expect(scan(new JsonScanner(), Buffer.from(text), new Float32Array(2), 0, 2)).toBe(false);
  });

  it('turns a table of columns into rows, by name', () => {
    const names = ['a', 'bc'].map(name => Buffer.from(name));
    const read = (text: string) => {
      const scanner = new JsonScanner();
      const into = new Float32Array(6);
      const [event] = batchOf([text]).events;
      const taken = event !== undefined && scanner.scan(event) && scanner.readNumbers(into, 0, 2, names);
      return taken ? { rows: scanner.rows, values: [...into] } : undefined;
    };
    const rows = { rows: 3, values: [1, 4, 2, 5, 3, 6] };
    expect(read('{"ids":["x","y","z"],"features":{"a":[1,2,3],"bc":[4,5,6]}}')).toEqual(rows);
    expect(read('{"features": { "bc" : [4, 5,6] , "a": [1,2,3] }, "ids": [1,2,3]}')).toEqual(rows);
    for (const odd of [
      '{"features":{"a":[1,2,3],"bc":[4,5,6]}}',
      '{"ids":["x","y"],"features":{"a":[1,2,3],"bc":[4,5,6]}}',
      '{"ids":["x","y","z"],"features":{"a":[1,2,3],"bc":[4,5]}}',
      '{"ids":["x","y","z"],"features":{"a":[1,2,3],"bc":[4,null,6]}}',
      '{"ids":["x","y","z"],"features":{"a":[1,2,3],"a":[4,5,6]}}',
      '{"ids":["x","y","z"],"features":{"a":[1,2,3],"b":[4,5,6]}}',
      '{"ids":["x","y","z"],"features":{"a":[1,2,3]}}',
      '{"ids":["x","y","z"],"features":{"a":[1,2,3],"bc":[4,5,6],"d":[7,8,9]}}',
      '{"ids":["x"],"features":{}}',
      '{"ids":["x"],"features":{"a":1,"bc":2}}',
    ]) {
      expect(read(odd), odd).toBeUndefined();
    }
  });

  it('says yes only to what JSON.parse reads the same way, whatever the text', () => {
    const scanner = new JsonScanner();
    const value = fc.oneof(
      {
        weight: 3,
        arbitrary: fc
          .array(fc.oneof({ weight: 9, arbitrary: numberText }, brokenNumber), { minLength: 2, maxLength: 3 })
          .map(v => `[${v.join(',')}]`),
      },
      { weight: 3, arbitrary: id.map(v => JSON.stringify(v)) },
      fc.json(),
    );
    const member = fc
      .tuple(space, field, space, value, space)
      .map(([a, key, b, text, c]) => `${a}"${key}"${b}:${text}${c}`);
    const usual = fc
      .record({ id, list: fc.array(numberText, { minLength: 2, maxLength: 2 }) })
      .map(r => `"request_id":${JSON.stringify(r.id)},"features":[${r.list.join(',')}]`);
    const row = fc.array(numberText, { minLength: 2, maxLength: 2 }).map(list => `[${list.join(', ')}]`);
    const rowId = fc.oneof(
      { weight: 5, arbitrary: fc.stringMatching(/^[a-z0-9-]{0,9}$/).map(v => JSON.stringify(v)) },
      { weight: 5, arbitrary: fc.nat().map(String) },
      { weight: 1, arbitrary: fc.oneof(id, fc.double(), fc.boolean(), fc.constant(null)).map(v => JSON.stringify(v)) },
    );
    const pack = fc
      .record({
        rows: fc.array(row, { minLength: 1, maxLength: 5 }),
        ids: fc.array(rowId, { minLength: 5, maxLength: 5 }),
        off: fc.constantFrom(0, 0, 0, 0, 1, -1),
        onError: fc.constantFrom('"skip"', '"refuse"', '"other"', 'null'),
        members: fc.shuffledSubarray([0, 1, 2]),
        gap: space,
      })
      .map(({ rows, ids, off, onError, members, gap }) => {
        const list = ids.slice(0, rows.length + off).join(`,${gap}`);
        const all = [`"features":${gap}[${rows.join(`,${gap}`)}]`, `"ids":[${list}${gap}]`, `"on_error":${onError}`];
        return members.map(i => all[i]).join(',');
      });
    const text = fc
      .oneof(
        fc.array(member, { maxLength: 4 }).map(members => members.join(',')),
        usual,
        pack,
      )
      .map(inside => `{${inside}}`);
    const ofDoubles = new JsonScanner();
    let taken = 0;
    let packs = 0;
    let exact = 0;
    fc.assert(
      fc.property(text, json => {
        const body = Buffer.from(json);
        const into = new Float32Array(64);
        const doubles = new Float64Array(64);
        const inDoubles = scan(ofDoubles, body, doubles, 0, 2);
        if (!scan(scanner, body, into, 0, 2)) {
          expect(inDoubles).toBe(false);
          return;
        }
        taken++;
        const parsed = JSON.parse(json) as {
          request_id?: string | number;
          model?: string;
          model_version?: string;
          features: number[] | number[][];
          ids?: (string | number)[];
          on_error?: string;
        };
        const numbers = parsed.features.flat();
        expect([...into.subarray(0, numbers.length)]).toEqual(numbers.map(Math.fround));
        if (inDoubles) expect([...doubles.subarray(0, numbers.length)]).toEqual(numbers);
        if (inDoubles) exact++;
        expect(scanner.rows).toBe(Array.isArray(parsed.features[0]) ? parsed.features.length : 0);
        expect(['skip', 'refuse', undefined]).toContain(parsed.on_error);
        const slice = (start: number, end: number) => (end === 0 ? undefined : body.toString('utf8', start, end));
        expect(slice(scanner.idStart, scanner.idEnd)).toBe(JSON.stringify(parsed.request_id));
        if (scanner.rows > 0) packs++;
        expect(scanner.rowIdsEnd > 0).toBe(parsed.ids !== undefined);
        if (parsed.ids !== undefined) {
          expect(parsed.ids).toHaveLength(scanner.rows);
          expect(JSON.parse(slice(scanner.rowIdsStart, scanner.rowIdsEnd) ?? '')).toEqual(parsed.ids);
        }
        if (scanner.fieldsRepeat) return;
        expect(slice(scanner.modelStart, scanner.modelEnd)).toBe(parsed.model);
        expect(slice(scanner.versionStart, scanner.versionEnd)).toBe(parsed.model_version);
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(1000);
    expect(packs).toBeGreaterThan(300);
    expect(exact).toBeGreaterThan(500);
  });
});
