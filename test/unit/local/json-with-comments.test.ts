import { expect, it } from 'vitest';
import { parseJsonWithComments } from '../../../src/local/json-with-comments.ts';

it.each<[string, unknown]>([
  ['\uFEFF{"a": 1}', { a: 1 }],
  ['// one\n{"a": /* two */ 1, // three\n "b": [1, 2, /* four */\n],}\r\n/* five */', { a: 1, b: [1, 2] }],
  [
    '{"url": "http://a//b", "c": "/* no */", "d": "\\"// no", "e": ",]"}',
    { url: 'http://a//b', c: '/* no */', d: '"// no', e: ',]' },
  ],
  ['[1, "a\\\\", 2,]', [1, 'a\\', 2]],
])('%j is read', (text, value) => {
  expect(parseJsonWithComments(text)).toEqual(value);
});

it.each(['[,]', '{"a": 1,, }', '[1 2]', '/* open', '', '{"a": "b'])('%j is not', text => {
  expect(() => parseJsonWithComments(text)).toThrow(SyntaxError);
});

it('names the place in the file', () => {
  expect(() => parseJsonWithComments('// one\n{ /* two */ "a": 1 2 }')).toThrow(/line 2 column 20/);
});
