const ANSWER_MS = 10_000;

/** Why the app behind this address cannot serve, in its own words: its host runs all the same, as in Azure. Undefined where it can. */
export async function askRefusal(url: string): Promise<string | undefined> {
  const answer = await fetch(`${url}/v2`, { signal: AbortSignal.timeout(ANSWER_MS) });
  const body = (await answer.json()) as { readonly error?: string };
  return answer.ok ? undefined : (body.error ?? `GET /v2: ${answer.status}`);
}
