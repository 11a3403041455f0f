import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireSingleHeaders } from '../../../proxy/pipeline/single-headers.ts';

const once = [
  'Authorization',
  'X-API-Key',
  'X-Dashboard-Key',
  'X-User-ID',
  'X-Session-ID',
  'X-Turn-ID',
  'X-Request-ID',
];
once.push('X-Response-Format', 'Idempotency-Key', 'Content-Type', 'Content-Length', 'Content-Encoding', 'Host');

for (const name of once) {
  test(`${name} may be there once`, () => {
    const others = ['accept', 'a', 'Accept', 'b', 'traceparent', 'c', 'x-other-id', 'd', 'X-Other-ID', 'e'];
    requireSingleHeaders([
      ...others,
      name,
      'one',
      ...once.filter((other) => other !== name).flatMap((one) => [one, '1']),
    ]);
    for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
      assert.throws(() => requireSingleHeaders([name, 'one', ...others, spelling, 'one']), {
        code: 'invalid_header',
        param: name,
        status: 400,
      });
    }
  });
}
