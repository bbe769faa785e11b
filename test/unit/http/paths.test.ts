import { describe, expect, it } from 'vitest';
import { METHODS, PATHS, routeFor, withoutBody } from '../../../src/http/paths.ts';
import { ROUTES } from '../../../src/http/routes.ts';

const path = (route: string) => PATHS.find(one => one.route === route) as (typeof PATHS)[number];

describe('paths', () => {
  it('are all routes, each once, by names of their own', () => {
    expect(PATHS.map(({ route }) => route).sort()).toEqual(
      [...new Set(Object.values(ROUTES).map(({ route }) => route))].sort(),
    );
    expect(new Set(PATHS.map(({ name }) => name)).size).toBe(PATHS.length);
    for (const { name, method, route, open } of Object.entries(ROUTES).map(([name, route]) => ({ name, ...route }))) {
      expect(routeFor(path(route), method)).toBe(name);
      expect(path(route).open).toBe(open);
    }
  });

  it.each([
    ['v2/models/{name}/infer', 'POST'],
    ['v2/repository/index', 'POST'],
    ['models/{name}:predict', 'POST'],
    ['v2/health/live', 'GET, HEAD'],
    ['batch/jobs', 'POST, GET, HEAD'],
    ['batch/jobs/{id}', 'GET, HEAD, DELETE'],
  ])('%s allows %s, and says so to any other method', (route, allowed) => {
    for (const method of METHODS) {
      const found = routeFor(path(route), method);
      if (allowed.split(', ').includes(method)) expect(found).toBeTypeOf('string');
      else {
        expect(found).toMatchObject({ status: 405, headers: { allow: allowed, 'content-type': 'application/json' } });
        const { body } = found as { body: string };
        expect(JSON.parse(body)).toEqual({ error: `${method} is not allowed here; ${allowed} is` });
      }
    }
  });

  it('HEAD asks what GET does, and has no body', () => {
    expect(routeFor(path('metrics'), 'HEAD')).toBe('metrics');
    expect(withoutBody({ status: 200, headers: { a: 'b' }, body: 'x' })).toEqual({
      status: 200,
      headers: { a: 'b' },
      body: '',
    });
  });
});
