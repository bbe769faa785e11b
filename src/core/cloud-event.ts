/** Of an event, by the names of the AMQP binding. */
type Attributes = Readonly<Record<string, string>>;

/** Its own type: no request's, or a pipeline that asks by type would feed itself. */
const TYPE = 'hubscore.result';

/**
 * What results share as CloudEvents 1.0 in binary mode: the body stays as it is. https://github.com/cloudevents/spec, cloudevents/bindings/amqp-protocol-binding.md
 * @param prefix of their ids: hub and partition
 */
export function sharedAttributes(prefix: string): Attributes {
  const hub = prefix.split('/').slice(0, -2).join('/');
  return {
    cloudEvents_specversion: '1.0',
    cloudEvents_type: TYPE,
    cloudEvents_source: `/hubscore/${encodeURIComponent(hub)}`,
  };
}

/** What is each one's own: the id is the `result_id`, the subject the request's id, with which every ending's body begins. */
export function ownAttributes(resultId: string, body: Buffer): Attributes {
  return { cloudEvents_id: resultId, cloudEvents_subject: subjectOf(body) || resultId };
}

const FIRST = Buffer.from('{"request_id":');
const [QUOTE, BACKSLASH, COMMA, BRACE] = [34, 92, 44, 125];

/** The id as text, which a subject may not be without; digits stay those that were sent. */
function subjectOf(body: Buffer): string | undefined {
  const from = FIRST.length;
  if (body.compare(FIRST, 0, from, 0, from) !== 0) return undefined;
  let to = from + 1;
  if (body[from] === QUOTE) {
    while (to < body.length && body[to] !== QUOTE) to += body[to] === BACKSLASH ? 2 : 1;
    return JSON.parse(body.toString('utf8', from, to + 1)) as string;
  }
  while (to < body.length && body[to] !== COMMA && body[to] !== BRACE) to++;
  return body.toString('utf8', from, to);
}
