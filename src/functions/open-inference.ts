import { app } from '@azure/functions';
import { answerHttp, METHODS, PATHS, settings } from '../app/app.ts';

for (const path of PATHS) {
  app.http(path.name, {
    methods: [...METHODS],
    route: path.route,
    authLevel: path.open ? 'anonymous' : settings.HTTP_AUTH_LEVEL,
    handler: (request, context) => answerHttp(path, request, context),
  });
}
