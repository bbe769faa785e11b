import type { Codec, Found } from '../../core/codec.ts';
import type { Event } from '../../core/event.ts';
import type { InputMapping } from '../../core/input.ts';
import { checkCount, notJson } from '../event-json/event-json.ts';
import { parseJson, readText } from '../text.ts';
import { mapRecords, PASSED_OVER } from './map-records.ts';

/** JSON of any shape, or lines of it, read as the model's card says. */
export const mapped: Codec = {
  name: 'mapped',
  takes: (_, input) => input !== undefined && (input.format === 'auto' || input.format === 'json'),
  decode(event, input) {
    const mapping = input as InputMapping;
    if (event.body.length === 0 && mapping.skipEmpty) return [PASSED_OVER];
    const text = readText(inUtf8(event));
    const value = parseJson(text);
    if (value !== undefined) return mapRecords(value, event, mapping, { json: text });
    const lines = text.split('\n').filter(line => line.trim() !== '');
    if (lines.length < 2 || !/^\{.*\}$/.test((lines[0] as string).trim()))
      return [notJson('body', text, { event, numbers: undefined, index: undefined, text: undefined })];
    checkCount(lines.length);
    return lines.flatMap((line): readonly Found[] => {
      const own = parseJson(line);
      const wholeLine = () => line;
      if (own !== undefined) return mapRecords(own, event, mapping, { text: wholeLine, json: line });
      return [notJson('line', line, { event, numbers: undefined, index: undefined, text: wholeLine })];
    });
  },
};

/** IoT Hub names the encoding of a device's message; others than UTF-8 are UTF-16 and UTF-32, little-endian unless a mark says otherwise. */
function inUtf8({ body, contentEncoding, contentType }: Event): Buffer {
  const said = /utf-?(16|32)(be)?/i.exec(contentEncoding ?? contentType ?? '');
  if (said === null) return body;
  const size = Number(said[1]) / 8;
  const whole = body.subarray(0, body.length - (body.length % size));
  const big = said[2] !== undefined || (whole[0] === 0xfe && whole[1] === 0xff) || (size === 4 && whole[2] === 0xfe);
  if (size === 2) {
    const units = Buffer.from(whole);
    return Buffer.from((big ? units.swap16() : units).toString('utf16le').replace(/^\uFEFF/, ''));
  }
  const points: string[] = [];
  for (let at = 0; at < whole.length; at += 4) {
    const point = big ? whole.readUInt32BE(at) : whole.readUInt32LE(at);
    if (point !== 0xfeff) points.push(String.fromCodePoint(point > 0x10ffff ? 0xfffd : point));
  }
  return Buffer.from(points.join(''));
}
