import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { requireSingleHeaders } from '../../../../proxy/calls/identify/single-headers.ts';

const once = [
  'Authorization',
  'X-API-Key',
  'X-Dashboard-Key',
  'X-User-ID',
  'X-Session-ID',
  'X-Turn-ID',
  'X-Optimization-Level',
  'X-Service',
  'X-Language-Code',
  'X-Request-ID',
];
once.push(
  'X-Response-Format',
  'Idempotency-Key',
  'X-Visitor-Token',
  'Content-Type',
  'Content-Length',
  'Content-Encoding',
  'Host',
);

for (const name of once) {
  test(`${name} may occur once`, () => {
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

/** Lists by their standards, or passed on as they are: nothing here is decided by them. */
const mayRepeat = [
  'accept',
  // Each proxy on the way adds its own, at the end.
  'x-forwarded-for',
  'accept-encoding',
  'openai-beta',
  'cache-control',
  'if-none-match',
  'traceparent',
  'tracestate',
  'cookie',
  'connection',
  'upgrade',
  'expect',
  'access-control-request-headers',
  'sec-websocket-protocol',
  // Two of them are joined by a comma, which no handshake has.
  'sec-websocket-key',
  'sec-websocket-version',
  // Of answers, not of requests.
  'retry-after',
  // A client's own name of a session. It opens nothing, and two of them are one name, joined by a comma.
  'session-id',
  // What a client says of itself is recorded, and decides nothing.
  'user-agent',
  'x-stainless-lang',
  'x-stainless-package-version',
  // Load balancers add theirs behind that of the one before, and the first one counts.
  'x-forwarded-proto',
  // Two of them are joined by a comma, which is no version that the proxy knows.
  'anthropic-version',
];

test('every header that the proxy reads is listed: it may occur once, or more often', () => {
  const root = join(import.meta.dirname, '../../../../proxy');
  const read = new Set<string>();
  for (const file of globSync('**/*.ts', { cwd: root })) {
    const source = readFileSync(join(root, file), 'utf8');
    // What is set is not read.
    const names = /\b(?:headers\[|readHeader\([\w.]*headers, )'([\w-]+)'(?!\] = )/g;
    for (const [, name = ''] of source.matchAll(names)) read.add(name.toLowerCase());
    for (const [, name = ''] of source.matchAll(/request\.(?:raw\.)?headers\.([a-z]+)\b/g)) read.add(name);
  }
  assert.ok(read.has('x-user-id') && read.has('x-api-key'), [...read].join());
  const single = new Set(once.map((name) => name.toLowerCase()));
  assert.deepEqual(
    [...read].filter((name) => !single.has(name) && !mayRepeat.includes(name)),
    [],
  );
});
