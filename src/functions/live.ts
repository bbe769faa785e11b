import { app } from '@azure/functions';
import { answerLive, LIVE_ROUTES, type LiveRoute, METHODS, settings } from '../app/app.ts';

for (const name of Object.keys(LIVE_ROUTES) as LiveRoute[]) {
  const { route, open } = LIVE_ROUTES[name];
  app.http(name, {
    methods: [...METHODS],
    route,
    authLevel: open ? 'anonymous' : settings.HTTP_AUTH_LEVEL,
    handler: (request, context) => answerLive(name, request, context),
  });
}
