import { app } from '@azure/functions';
import { answerLive, LIVE_ROUTES, type LiveRoute, settings } from '../app/app.ts';

for (const name of Object.keys(LIVE_ROUTES) as LiveRoute[]) {
  const { route, open } = LIVE_ROUTES[name];
  app.http(name, {
    // The host answers 404 to a method that no function names; that it is another one's is said by the app.
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    route,
    authLevel: open ? 'anonymous' : settings.HTTP_AUTH_LEVEL,
    handler: (request, context) => answerLive(name, request, context),
  });
}
