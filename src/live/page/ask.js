const address = new URL(location.href);
/** Of the functions: it came in the address, and is handed on in a header. */
const key = address.searchParams.get('code');
if (key !== null) {
  address.searchParams.delete('code');
  // Neither shown to whoever looks at the screen nor kept in the browser's history.
  history.replaceState(null, '', address);
}

const LONGEST_MS = 30_000;

async function ask(path, { headers, ...options } = {}) {
  const own = key === null ? {} : { 'x-functions-key': key };
  const signal = AbortSignal.timeout(LONGEST_MS);
  const response = await fetch(path, { ...options, headers: { ...own, ...headers }, cache: 'no-store', signal }).catch(
    thrown => {
      throw new Error(thrown.name === 'TimeoutError' ? 'no answer in time' : 'the app does not answer');
    },
  );
  if (response.status === 401 || response.status === 403) {
    throw new Error('the function key is missing or is not the right one: open /live?code=KEY');
  }
  return response;
}

const reasonOf = async response => {
  const body = await response.json().catch(() => undefined);
  return body?.error ?? `${response.status} ${response.statusText}`;
};

let etag;

/** The figures, and up to when they are counted; without figures where they are as before. */
export async function readData() {
  const response = await ask('live/data', etag === undefined ? {} : { headers: { 'if-none-match': etag } });
  const asOf = response.headers.get('hubscore-counted-at') ?? undefined;
  if (response.status === 304) return { asOf };
  if (!response.ok) throw new Error(await reasonOf(response));
  const data = await response.json();
  etag = response.headers.get('etag') ?? undefined;
  return { data, asOf };
}

/** A request of a model that it takes, as text to be edited. */
export async function example(model, version) {
  const response = await ask(
    `live/example/${encodeURIComponent(model)}${version && `/${encodeURIComponent(version)}`}`,
  );
  if (!response.ok) throw new Error(await reasonOf(response));
  return JSON.stringify(await response.json(), null, 2).replace(/\[[^[\]{}]*\]/g, list => list.replace(/\s+/g, ' '));
}

/** What came of a batch job, as text. */
export async function readReport(id) {
  const response = await ask(`batch/jobs/${encodeURIComponent(id)}/report`, { headers: { accept: 'text/plain' } });
  if (!response.ok) throw new Error(await reasonOf(response));
  return response.text();
}

/** What the model says to one request, in words where it says nothing. */
export async function predict(model, version, text) {
  try {
    const request = { ...JSON.parse(text), ...(version && { model_version: version }) };
    const response = await ask(`models/${encodeURIComponent(model)}:predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    if (!response.ok) return { failed: await reasonOf(response) };
    return { text: JSON.stringify(await response.json(), null, 2) };
  } catch (thrown) {
    return { failed: thrown instanceof SyntaxError ? `the request is no JSON: ${thrown.message}` : thrown.message };
  }
}
