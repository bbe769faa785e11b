import { describe, expect, it } from 'vitest';
import { matchRoute, orderRoutes, parseRoute } from '../../../../src/local/functions-host/routes.ts';

const routes = orderRoutes(
  [
    ['rest', 'files/{*path}', ['GET']],
    ['model', 'v2/models/{name}', ['GET']],
    ['all models', 'v2/models', ['GET']],
    ['ready', 'v2/models/ready', ['GET']],
    ['numbered', 'numbers/{id:int}/{part?}', ['GET', 'POST']],
    ['predict', 'models/{name}:predict', ['POST']],
    ['a model', 'models/{name}', ['POST']],
    ['infer', 'v2/models/{name}/versions/{version}/infer', ['POST']],
  ].map(([name, template, methods]) => parseRoute(name as string, template as string, methods as string[], '')),
);
const match = (method: string, path: string) => {
  const found = matchRoute(routes, method, path);
  return found && [found.route.functionName, found.parameters];
};

describe('routes', () => {
  it.each([
    ['GET', '/v2/models/iris', ['model', { name: 'iris' }]],
    ['GET', '/v2/models/ready', ['ready', {}]],
    ['GET', '/V2/Models', ['all models', {}]],
    ['POST', '/v2/models/a%2Fb/versions/1.0.0/infer', ['infer', { name: 'a/b', version: '1.0.0' }]],
    ['POST', '/models/churn:predict', ['predict', { name: 'churn' }]],
    ['POST', '/Models/Churn:PREDICT', ['predict', { name: 'Churn' }]],
    ['POST', '/models/a%3Apredict:predict', ['predict', { name: 'a:predict' }]],
    ['POST', '/models/:predict', ['a model', { name: ':predict' }]],
    ['POST', '/models/churn:explain', ['a model', { name: 'churn:explain' }]],
    ['GET', '/models/churn:predict', undefined],
    ['GET', '/files/a/b/c.txt', ['rest', { path: 'a/b/c.txt' }]],
    ['GET', '/files', ['rest', {}]],
    ['POST', '/numbers/12', ['numbered', { id: '12' }]],
    ['GET', '/numbers/12/x', ['numbered', { id: '12', part: 'x' }]],
    ['GET', '/numbers/twelve', undefined],
    ['DELETE', '/v2/models/iris', undefined],
    ['GET', '/v2/models/iris/more', undefined],
    ['GET', '/', undefined],
  ])('%s %s', (method, path, expected) => {
    expect(match(method, path)).toEqual(expected);
  });

  it('stand below the prefix of host.json', () => {
    const route = parseRoute('f', '/hello/', ['get'], 'api');
    expect(matchRoute([route], 'GET', '/api/hello')?.route).toBe(route);
    expect(matchRoute([route], 'GET', '/hello')).toBeUndefined();
  });
});
