import { describe, expect, it } from 'vitest';
import { type LineOptions, type RequestLine, readRequestLine } from '../../../src/cli/request-line.ts';

const read = (text: string, options: LineOptions = {}) => readRequestLine(Buffer.from(text), 7, options);
const bodyOf = (text: string, options: LineOptions = {}) =>
  JSON.parse((read(text, options) as RequestLine).body.toString());

describe('readRequestLine', () => {
  it('sends a request byte for byte where nothing is to be added', () => {
    const text = '{"request_id": 12345678901234567890, "model": "diabetes", "features": [1.10, 2]}';
    expect((read(`  ${text}\r`) as RequestLine).body.toString()).toBe(text);
  });

  it('passes over empty lines and takes a byte order mark', () => {
    expect(read('')).toBeUndefined();
    expect(read('  \t')).toBeUndefined();
    expect(bodyOf('\uFEFF{"features":1}')).toEqual({ features: 1 });
  });

  it('names the line, what is wrong and what was expected', () => {
    expect(read('{"features": [1,')).toEqual({
      lineNumber: 7,
      reason: expect.stringMatching(
        /^the line is not JSON \(position 16\); expected one request a line, such as \{"model"/,
      ),
    });
    expect(read('{"features":[NaN,1]}')).toMatchObject({
      reason: expect.stringMatching(
        /^NaN is no JSON \(position 13\); null or the text "NaN" would be understood; expected/,
      ),
    });
    expect(read('  {"features":[1,]}')).toMatchObject({
      reason: expect.stringMatching(/^a comma before the end is no JSON \(position 16\); expected/),
    });
    expect(read('42')).toMatchObject({ reason: expect.stringMatching(/^42 is no request; expected/) });
    expect(read('{"tenure":3,"Contract":"One year"}')).toMatchObject({
      reason: expect.stringContaining('no field "features" (fields here: tenure, Contract)'),
    });
    expect(read('[]')).toMatchObject({ reason: expect.stringContaining('an empty array') });
    expect(read('[{"features":1},{"feature":2}]')).toMatchObject({ reason: expect.stringContaining('feature') });
  });

  it('refuses what is no UTF-8, which would be sent as something else', () => {
    expect(readRequestLine(Buffer.from('{"features":"Zürich"}', 'latin1'), 7, {})).toEqual({
      lineNumber: 7,
      reason: expect.stringMatching(/^not UTF-8 text; save it as UTF-8, or convert it \(iconv /),
    });
    expect(bodyOf('{"features":"Z\uFFFDrich"}')).toEqual({ features: 'Z\uFFFDrich' });
  });

  it('gives the model to requests that name none, and to no others', () => {
    const options = { model: 'churn' };
    expect(bodyOf('{"features":1}', options)).toEqual({ features: 1, model: 'churn' });
    expect(bodyOf('{"features":1,"model":null}', options)).toEqual({ features: 1, model: 'churn' });
    expect(bodyOf('[{"features":1},{"features":2,"model":"topic"}]', options)).toEqual([
      { features: 1, model: 'churn' },
      { features: 2, model: 'topic' },
    ]);
    expect(bodyOf('{"inputs":[],"parameters":{"model_version":"1"}}', options)).toEqual({
      inputs: [],
      parameters: { model: 'churn', model_version: '1' },
    });
  });

  it('takes the partition key from the request, else from its features, or as given', () => {
    const text = '{"customer":17,"features":{"customer":"no","city":"Köln"}}';
    expect(read(text, { key: 'customer' })).toMatchObject({ partitionKey: '17' });
    expect(read(text, { key: 'city' })).toMatchObject({ partitionKey: 'Köln' });
    expect(read(text, { key: '=all' })).toMatchObject({ partitionKey: 'all' });
    expect(read(text)).toMatchObject({ partitionKey: undefined });
    expect(read(text, { key: 'town' })).toMatchObject({ reason: expect.stringContaining("--key ='town'") });
  });
});
