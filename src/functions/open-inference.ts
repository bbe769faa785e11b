import { app } from '@azure/functions';
import type { RouteName } from '../app/app.ts';
import { answerHttp, ROUTES, settings } from '../app/app.ts';

for (const name of Object.keys(ROUTES) as RouteName[]) {
  const { method, route, open } = ROUTES[name];
  app.http(name, {
    methods: [method],
    route,
    authLevel: open ? 'anonymous' : settings.HTTP_AUTH_LEVEL,
    handler: (request, context) => answerHttp(name, request, context),
  });
}
