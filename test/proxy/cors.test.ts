import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, it } from 'node:test';
import { makeOriginRule } from '../../proxy/snapshot/origin-rule.ts';
import { replaceFile } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const app = 'https://app.example.com';
const hi = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] };

describe('web pages of the origins that the Organization names', () => {
  const scope = suiteScope();
  let stack: Stack;

  const send = async (method: string, path: string, headers: Readonly<Record<string, string>>, body?: object) => {
    const sent = request(new URL(path, stack.baseUrl), { method, headers });
    sent.end(body && JSON.stringify(body));
    const [answer] = await once(sent, 'response');
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
  };
  const preflight = (origin: string, path = '/v1/chat/completions') =>
    send('OPTIONS', path, {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-stainless-lang,x-user-id',
    });
  const known = () => ({ authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' });
  const allow = async (...origins: readonly string[]) => {
    const cors = origins.length > 0 ? `  cors: {origins: ${JSON.stringify(origins)}}\n` : '';
    await replaceFile(
      join(stack.directory, 'organization.yaml'),
      `apiVersion: chaperone.dev/v1alpha1
kind: Organization
metadata: {name: acme}
spec:
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}
  providers: [{name: openai, type: openai}]
  sharing: [{namespace: default, users: ["*"]}]
${cors}`,
    );
  };

  before(async () => {
    const provider = createServer(async (received, response) => {
      const asked = await text(received);
      // A provider's own headers for pages are none of ours.
      response.setHeader('access-control-allow-origin', '*');
      response.setHeader('access-control-expose-headers', 'x-secret');
      response.setHeader('vary', 'Accept-Encoding');
      const choice = { index: 0, finish_reason: 'stop' };
      const message = { role: 'assistant', content: 'Hi' };
      if (asked.includes('"stream":true')) {
        response.setHeader('content-type', 'text/event-stream');
        response.end(
          `data: ${JSON.stringify({ id: 'c-1', choices: [{ ...choice, delta: message }] })}\n\ndata: [DONE]\n\n`,
        );
        return;
      }
      response.setHeader('content-type', 'application/json');
      const isList = received.method === 'GET';
      response.end(
        JSON.stringify(isList ? { object: 'list', data: [] } : { id: 'c-1', choices: [{ ...choice, message }] }),
      );
    });
    await once(provider.listen(0, '127.0.0.1'), 'listening');
    scope.after(async () => provider.close().closeAllConnections());
    const { port } = provider.address() as AddressInfo;
    stack = await startStack(scope, { upstreamUrl: `http://127.0.0.1:${port}/v1` });
  });

  it('get no access where it names no origin', async () => {
    assert.equal((await preflight(app)).status, 401);
    const answers = [
      await preflight(app),
      await send('POST', '/v1/chat/completions', { ...known(), origin: app }, hi),
      await send('GET', '/v1/models', { ...known(), origin: app }),
    ];
    for (const { headers } of answers) {
      const told = Object.keys(headers).filter((name) => name.startsWith('access-control-') || name === 'vary');
      assert.deepEqual(told, []);
    }
  });

  it('may send a preflight request without a credential', async () => {
    await allow(app, 'https://*.apps.example.com');
    await until(async () => (await preflight(app)).status === 204, 'the origins to be in force');
    for (const [origin, path] of [
      [app, '/v1/chat/completions'],
      [app, '/v1/analytics/models'],
      ['https://one.apps.example.com', '/v1//responses'],
    ] as const) {
      const { status, headers, body } = await preflight(origin, path);
      assert.deepEqual(
        [status, body, headers['access-control-allow-origin'], headers.vary],
        [204, '', origin, 'Origin'],
      );
      assert.match(headers['access-control-allow-methods'], /\bPOST\b.*\bDELETE\b/);
      assert.match(headers['access-control-allow-headers'], /x-stainless-lang/);
      assert.match(headers['x-request-id'], /^req_/);
      assert.equal(headers['access-control-allow-credentials'], undefined);
    }
  });

  it('can read every kind of answer, and the headers that clients need', async () => {
    const from = { ...known(), origin: app };
    const answers = [
      [200, await send('POST', '/v1/chat/completions', from, hi)],
      [200, await send('POST', '/v1/chat/completions', from, { ...hi, stream: true })],
      [400, await send('POST', '/v1/chat/completions', from, {})],
      [401, await send('POST', '/v1/chat/completions', { origin: app }, hi)],
      [200, await send('GET', '/v1/models', from)],
      [200, await send('GET', '/v1/personas', from)],
      [404, await send('GET', '/v1/nothing', from)],
      [404, await send('GET', '/elsewhere', from)],
    ] as const;
    for (const [expected, { status, headers }] of answers) {
      assert.equal(status, expected);
      assert.equal(headers['access-control-allow-origin'], app);
      assert.equal(headers.vary, 'Origin');
      const exposed = headers['access-control-expose-headers'].split(', ');
      for (const name of ['x-request-id', 'x-session-id', 'retry-after', 'x-chaperone-incomplete']) {
        assert.ok(exposed.includes(name), name);
      }
      assert.ok(!exposed.includes('x-secret'), 'the provider’s own');
    }
    assert.match(answers[1][1].body, /\[DONE\]/);
  });

  it('get no access from other origins', async () => {
    for (const origin of ['https://evil.example', `${app}.evil.example`, 'https://apps.example.com', 'null']) {
      const asked = await preflight(origin);
      const called = await send('POST', '/v1/chat/completions', { ...known(), origin }, hi);
      assert.deepEqual([asked.status, called.status], [401, 200], origin);
      for (const { headers } of [asked, called])
        assert.equal(headers['access-control-allow-origin'], undefined, origin);
    }
  });
});

const cases: readonly (readonly [origin: string, allowed: readonly string[], expected: boolean])[] = [
  [app, [app], true],
  [app, ['https://example.com'], false],
  [app, ['https://*.example.com'], true],
  ['https://a.b.example.com', ['https://*.example.com'], true],
  ['https://example.com', ['https://*.example.com'], false],
  ['https://.example.com', ['https://*.example.com'], false],
  ['http://app.example.com', ['https://*.example.com'], false],
  ['https://app.example.com:8443', ['https://*.example.com'], false],
  ['https://app.example.com:8443', ['https://*.example.com:8443'], true],
  ['https://evil.com/.example.com', ['https://*.example.com'], false],
  ['https://evil.com:1@x.example.com', ['https://*.example.com'], false],
  ['https://evilexample.com', ['https://*.example.com'], false],
  ['null', ['https://*.example.com', app], false],
  ['null', ['*'], true],
];
for (const [origin, allowed, expected] of cases) {
  it(`${origin} is ${expected ? '' : 'not '}one of ${allowed.join(', ')}`, () => {
    assert.equal(makeOriginRule(allowed)(origin), expected);
  });
}
