import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coversRoute, meetsRoute, parseRoute } from '../../crds/route-pattern.ts';

/** A stated route, a request, and whether it meets the route. */
const requests: readonly (readonly [route: string, request: string, meets: boolean])[] = [
  ['/v1/completions', 'POST /v1/completions', true],
  ['/v1/completions', 'GET /v1/completions', true],
  ['POST /v1/completions', 'POST /v1/completions', true],
  ['POST /v1/completions', 'GET /v1/completions', false],
  ['/v1/completions', 'POST /v1/completions/1', false],
  ['/v1/completions/*', 'POST /v1/completions/1', true],
  ['/v1/completions/*', 'POST /v1/completions', true],
  ['/v1/completions/*', 'POST /v1/chat/completions', false],
  ['/v1/personas/{id}', 'GET /v1/personas/p-1', true],
  ['/v1/personas/{id}', 'GET /v1/personas', false],
  ['/v1/personas/{id}/rate', 'POST /v1/personas/p-1/rate', true],
];

test('a request meets a route by method and segments', () => {
  for (const [route, request, meets] of requests) {
    const [method = '', path = ''] = request.split(' ');
    const found = meetsRoute(parseRoute(route), method, path.split('/').slice(1));
    assert.equal(found, meets, `${route}: ${request}`);
  }
});

/** A stated route, a declared one, and whether a request can meet both. */
const declared: readonly (readonly [route: string, declared: string, covers: boolean])[] = [
  ['/v1/personas/{name}', 'GET /v1/personas/{id}', true],
  ['DELETE /v1/personas/p-1', 'DELETE /v1/personas/{id}', true],
  ['PATCH /v1/personas', 'GET /v1/personas', false],
  ['/v1/persona', 'GET /v1/personas', false],
  ['/v1/*', 'GET /v1/personas/{id}', true],
  ['/v2/*', 'GET /v1/personas/{id}', false],
];

test('a stated route covers a declared one where a request can meet both', () => {
  for (const [route, one, covers] of declared) {
    assert.equal(coversRoute(parseRoute(route), parseRoute(one)), covers, `${route}: ${one}`);
  }
});
