import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonFault, repairJson, whyNotJson } from '../../../src/core/json-fault.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('where a text stops being JSON', () => {
  it('is found where the parser finds it is none, and only there', () => {
    const piece = fc.constantFrom(
      ...'{}[],:"\\ \n\t-+.0123456789eEtrufalsn\u0000\u001f\u007f\ud800',
      '\\u00',
      'true',
      'null',
    );
    const broken = fc.tuple(fc.json(), fc.nat(), fc.nat(3), fc.string({ unit: piece, maxLength: 3 }));
    fc.assert(
      fc.property(broken, ([text, from, count, put]) => {
        const at = from % (text.length + 1);
        const changed = text.slice(0, at) + put + text.slice(at + count);
        const fault = jsonFault(changed);
        expect(fault === undefined).toBe(isJson(changed));
        if (fault !== undefined) expect(fault.position).toBeLessThanOrEqual(changed.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['[1, NaN]', 'NaN is no JSON (position 4); null or the text "NaN" would be understood'],
    ['{"a": None}', 'None is no JSON (position 6); null would be understood'],
    ['{"a": True}', 'True is no JSON (position 6); true would be understood'],
    ['{"a": 1, }', 'a comma before the end is no JSON (position 7)'],
    ['{"NaN": ",]", "b": [NaN]}', 'NaN is no JSON (position 20); null or the text "NaN" would be understood'],
    ['[1 2]', 'the body is not JSON (position 3)'],
    ['[,]', 'the body is not JSON (position 1)'],
    ['[1}', 'the body is not JSON (position 2)'],
    ["{'a': 1}", 'the body is not JSON (position 1)'],
    ['[NaNny]', 'the body is not JSON (position 1)'],
    ['"open', 'the body is not JSON (position 0)'],
    ['[1', 'the body is not JSON (position 2)'],
    ['{} {}', 'the body is not JSON (position 3)'],
  ])('is told without the payload: %s', (text, message) => {
    expect(whyNotJson('body', text)).toBe(message);
  });

  it('is found in texts that no stack would do for', () => {
    expect(jsonFault('['.repeat(1_000_000))?.position).toBe(1_000_000);
    const escapes = `["${'\\n'.repeat(500_000)}", NaN]`;
    expect(whyNotJson('body', escapes)).toMatch(/^(NaN is no|the body is not) JSON/);
    expect(whyNotJson('body', `["${'a'.repeat(1_000_000)}", NaN]`)).toContain('(position 1000005)');
  });
});

it('what is JSON but for NaN, Infinity and trailing commas is repaired with null for them', () => {
  expect(JSON.parse(repairJson('{"a": [NaN, -Infinity, 1,], "b": "NaN, \\"NaN,]", }'))).toEqual({
    a: [null, null, 1],
    b: 'NaN, "NaN,]',
  });
  expect(repairJson('{"a": nope}')).toBe('{"a": nope}');
});
