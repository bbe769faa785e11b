import type { HttpReply } from '../http/http.ts';

/** Everything that the live page is made of, below the root. What is `open` asks for no key: the page's own files, which hold nothing of anybody. */
export const LIVE_ROUTES = {
  live: { route: 'live', open: false },
  'live-data': { route: 'live/data', open: false },
  'live-example': { route: 'live/example/{name}/{version?}', open: false },
  'live-asset': { route: 'live/assets/{hash}/{file}', open: true },
} as const;

export type LiveRoute = keyof typeof LIVE_ROUTES;

/** A failure as a line of the log. */
export function describeLiveFailure(route: LiveRoute, { status, body }: HttpReply): string {
  return `GET /${LIVE_ROUTES[route].route}: ${status} ${body}`;
}
