import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { type GovernedStack, startGovernedStack } from './quota/governed-stack.ts';

const deprecations = `
deprecations:
  - route: POST /v1/chat/completions
    since: 2026-01-12T00:00:00Z
    sunset: 2027-01-12T00:00:00Z
    link: https://docs.example.com/migrate
  - { route: "/api/v1/knowledge-base/*", since: 2026-03-01T00:00:00Z }
  - { route: "/v1/personas/{id}", since: 2026-03-02T00:00:00Z }
`;

/** An Organization's `deprecations`, through the front door. */
describe('deprecated routes', () => {
  const scope = suiteScope();
  let stack: GovernedStack;
  before(async () => {
    stack = await startGovernedStack(scope);
    await stack.state(deprecations);
  });

  const ask = async (method: string, path: string, body?: object) => {
    const answer = await fetch(`http://127.0.0.1:${stack.proxy.port}${path}`, {
      method,
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' },
      ...(body && { body: JSON.stringify(body) }),
    });
    await answer.text();
    const [deprecation, sunset, link] = ['deprecation', 'sunset', 'link'].map((name) => answer.headers.get(name));
    return { status: answer.status, deprecation, sunset, link };
  };
  const chat = (stream = false) =>
    ask('POST', '/v1/chat/completions', { model: 'gpt-4o-mini', stream, messages: [{ role: 'user', content: 'Hi' }] });

  it('say so in the answers to calls, streams too, with the headers of RFC 9745 and RFC 8594', async () => {
    for (const stream of [false, true]) {
      assert.deepEqual(await chat(stream), {
        status: 200,
        deprecation: '@1768176000',
        sunset: 'Tue, 12 Jan 2027 00:00:00 GMT',
        link: '<https://docs.example.com/migrate>; rel="deprecation"; type="text/html"',
      });
    }
  });

  it('say so on every surface, and where the request is refused', async () => {
    const of = (status: number, deprecation: string | null) => ({ status, deprecation, sunset: null, link: null });
    assert.deepEqual(await ask('GET', '/api/v1/knowledge-base'), of(200, '@1772323200'));
    assert.deepEqual(await ask('GET', '/api/v1/knowledge-base/kb_none'), of(404, '@1772323200'));
    assert.deepEqual(await ask('GET', '/v1/personas/none?limit=1'), of(404, '@1772409600'));
    assert.deepEqual(await ask('GET', '/v1/personas'), of(200, null));
  });

  it('are counted by route and caller', async () => {
    await chat();
    const [line = ''] = await stack.metric('chaperone_deprecated_requests_total{route="POST /v1/chat/completions"');
    assert.match(line, /caller="token"/);
    assert.ok(Number(line.split(' ').at(-1)) >= 1);
  });

  it('are a condition where no request can meet them', async () => {
    await stack.state('deprecations: [{ route: GET /v1/chat/completion, since: 2026-01-12T00:00:00Z }]');
    const told =
      /DeprecationMatchesNothing.*No request can meet these routes of spec\.deprecations: \\"GET \/v1\/chat\/completion\\"/;
    await until(async () => {
      try {
        return told.test(stack.events());
      } catch {
        // There is no file before the first Event.
        return false;
      }
    });
    assert.deepEqual(await chat(), { status: 200, deprecation: null, sunset: null, link: null });
  });
});
