import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, beforeEach, describe, it } from 'node:test';
import { Client } from 'pg';
import { suiteScope } from '../scope.ts';
import { makeLongAnswer } from '../scripted-provider.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** What passes between a client and a provider, byte for byte: a real proxy process in front of a server of the test's. */
describe('forwarding', () => {
  const scope = suiteScope();
  let stack: Stack;
  let answer: Answer;

  before(async () => {
    const server = createServer({ keepAliveTimeout: 120_000 }, async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      answer(request, response, Buffer.concat(chunks));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    scope.after(async () => server.close().closeAllConnections());
    stack = await startStack(scope, {
      upstreamUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/v1`,
    });
  });
  beforeEach(() => {
    answer = (_request, response) => json(response, { id: 'resp_1', object: 'response', status: 'completed' });
  });

  const call = (body: string | object, headers: Record<string, string> = {}, path = '/responses') =>
    fetch(`${stack.baseUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const hi = { model: 'gpt-4o', input: 'Hi' };

  it('sends the body on byte for byte, unknown fields and odd spelling included', async () => {
    const seen = Promise.withResolvers<string>();
    answer = (request, response, body) => {
      assert.equal(request.url, '/base/v1/responses');
      seen.resolve(body.toString());
      json(response, {});
    };
    const body = `{ "model" : "gpt-4o",\n "input":"H\\u00e9 ☃", "seed": 12345678901234567890, "new_field": [1.0, 1e3, {"a":null}] }`;
    await call(body.replace('\\u00e9', 'é'));
    assert.equal(await seen.promise, body.replace('\\u00e9', 'é'));
  });

  it('passes the headers that are meant for the provider, but no credentials, cookies, traces or hop-by-hop headers', async () => {
    const seen = Promise.withResolvers<IncomingMessage['headers']>();
    answer = (request, response) => {
      seen.resolve(request.headers);
      json(response, {});
    };
    await call(hi, {
      cookie: 'session=1',
      'x-api-key': stack.token,
      'x-forwarded-for': '1.2.3.4',
      'openai-organization': 'org-mine',
      'openai-beta': 'assistants=v2',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    const { host: _, connection: __, 'content-length': ___, ...headers } = await seen.promise;
    assert.deepEqual(headers, {
      accept: '*/*',
      'accept-encoding': 'identity',
      authorization: 'Bearer sk-sandbox-shared',
      'content-type': 'application/json',
      'openai-beta': 'assistants=v2',
      'user-agent': 'chaperone',
    });
  });

  it('sends an idempotency key that is unique to the user, on every way in', async () => {
    const seen: (string | undefined)[] = [];
    answer = (request, response) => {
      seen.push(String(request.headers['idempotency-key']));
      json(response, { id: `conv_${seen.length}`, text: 'Hi' });
    };
    const form = () => {
      const data = new FormData();
      data.set('model', 'gpt-4o-transcribe');
      data.set('file', new File(['x'], 'a.wav'));
      return data;
    };
    const send = (path: string, user: string, body: FormData | string, key = 'again') =>
      fetch(`${stack.baseUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': user, 'idempotency-key': key },
        body,
      });
    const ways: readonly (readonly [path: string, body: () => FormData | string])[] = [
      ['/responses', () => JSON.stringify(hi)],
      ['/audio/transcriptions', form],
      ['/conversations', () => '{}'],
    ];
    for (const [path, body] of ways) {
      seen.length = 0;
      for (const user of ['bob', 'bob', 'mallory']) await (await send(path, user, body())).arrayBuffer();
      const [first, second, other] = seen;
      assert.match(first ?? '', /^[0-9a-f]{64}$/, path);
      assert.equal(first, second, path);
      assert.notEqual(first, other, path);
      const refused = await send(path, 'bob', body(), 'k'.repeat(256));
      const { error } = (await refused.json()) as { error: { code: string; param: string } };
      assert.deepEqual([refused.status, error.code, error.param], [400, 'invalid_header', 'Idempotency-Key'], path);
    }
  });

  it('passes an answer byte for byte, with those of its headers that are meant for the caller', async () => {
    const bytes = '{"id":"resp_1", "object":"response",\n"status":"completed", "new": 12345678901234567890 }';
    answer = (_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'x-ratelimit-remaining-requests': '99',
        'x-request-id': 'upstream-id',
        'x-cache': 'HIT from a network',
        age: '7',
        'x-chaperone-attempts': '5',
        'set-cookie': 'provider=1',
        'openai-organization': 'org-secret',
      });
      response.end(bytes);
    };
    const response = await call(hi);
    assert.equal(await response.text(), bytes);
    assert.equal(response.headers.get('x-ratelimit-remaining-requests'), '99');
    assert.equal(response.headers.get('x-upstream-request-id'), 'upstream-id');
    // This organization has no cache, and no other answer was asked for.
    for (const name of ['x-cache', 'age']) assert.equal(response.headers.get(name), null, name);
    assert.equal(response.headers.get('x-upstream-cache'), 'HIT from a network');
    assert.equal(response.headers.get('x-upstream-age'), '7');
    assert.equal(response.headers.get('x-chaperone-attempts'), '1');
    assert.match(response.headers.get('x-request-id') ?? '', /^req_[0-9a-f]{32}$/);
    for (const name of ['set-cookie', 'openai-organization']) assert.equal(response.headers.get(name), null, name);
  });

  it('passes unknown events of a stream, and the first one at once', async () => {
    const goOn = Promise.withResolvers<void>();
    const first = 'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_9"}}\n\n';
    const rest =
      ': a comment\r\n\r\nevent: response.brand_new\ndata: {"type":"response.brand_new","x":1}\n\n' +
      'event: response.completed\ndata: {"type":"response.completed","response":{"id":"resp_9","status":"completed"}}\n\n';
    answer = async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      response.write(first);
      await goOn.promise;
      // In pieces that end anywhere.
      for (const piece of rest.match(/[\s\S]{1,7}/g) ?? []) {
        response.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    };
    const response = await call({ ...hi, stream: true });
    const reader = response.body?.getReader();
    assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), first);
    goOn.resolve();
    let text = '';
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      text += Buffer.from(part.value).toString();
    }
    assert.equal(text, rest);
  });

  it('does not show the key that a provider quotes in its error', async () => {
    answer = (request, response) => {
      const key = request.headers.authorization?.slice(7);
      json(response, { error: { message: `Incorrect API key provided: ${key}`, type: 'invalid_request_error' } }, 401);
    };
    const response = await call(hi);
    assert.equal(response.status, 401);
    assert.match(await response.text(), /Incorrect API key provided: \[redacted\]/);
  });

  it('pauses the provider while the client does not read', async () => {
    const total = 256 * 1024 * 1024;
    const { send, stalled, sentBytes } = makeLongAnswer(`event: x\ndata: ${'x'.repeat(64 * 1024)}\n\n`, total);
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      send(response);
    };
    const url = new URL(`${stack.baseUrl}/responses`);
    const headers = { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' };
    const client = request(url, { method: 'POST', headers });
    client.end(JSON.stringify({ ...hi, stream: true }));
    const [response] = (await once(client, 'response')) as [IncomingMessage];
    response.pause();
    await stalled;
    assert.ok(
      sentBytes() < total / 2,
      `${sentBytes()} bytes were taken from the provider for a client that reads nothing`,
    );
    client.destroy();
  });

  it('answers a broken provider answer with 502, and a broken request with the field that is wrong', async () => {
    const cases: [string, Answer | undefined, string | object, number, string, string | null][] = [
      ['not JSON', (_, response) => json(response, 'nonsense'), hi, 502, 'upstream_invalid_response', null],
      [
        'a redirect',
        (_, response) => response.writeHead(302, { location: '/' }).end(),
        hi,
        502,
        'upstream_invalid_response',
        null,
      ],
      ['cut in the body', (_, response) => cut(response), hi, 502, 'upstream_interrupted', null],
      ['cut before the answer', (_, response) => response.destroy(), hi, 502, 'upstream_unreachable', null],
      ['no model', undefined, { input: 'Hi' }, 400, 'invalid_request', 'model'],
      ['model no text', undefined, { ...hi, model: ['gpt-4o'] }, 400, 'invalid_request', 'model'],
      ['previous', undefined, { ...hi, previous_response_id: 7 }, 400, 'invalid_request', 'previous_response_id'],
      [
        'a tool’s model that is not allowed',
        undefined,
        { ...hi, tools: [{ type: 'image_generation', model: 'gpt-image-1' }] },
        403,
        'model_not_allowed',
        'model',
      ],
      ['an array', undefined, '[]', 400, 'invalid_json', null],
      ['nothing', undefined, '', 400, 'invalid_json', null],
      ['a persona that is none', undefined, { ...hi, persona_id: 1 }, 404, 'persona_not_found', 'persona_id'],
    ];
    for (const [name, give, body, status, code, param] of cases) {
      if (give) answer = give;
      const response = await call(body);
      const { error } = (await response.json()) as { error: { code: string; param: string | null; message: string } };
      assert.deepEqual([response.status, error.code, error.param], [status, code, param], name);
      assert.match(response.headers.get('x-request-id') ?? '', /^req_/, name);
      assert.match(response.headers.get('x-session-id') ?? '', /^sess_/, name);
    }
  });

  it('refuses a body in which another parser would read another model', async () => {
    const response = await call('{"model":"o1-pro","input":"Hi","seed":12345678901234567890,"model":"gpt-4o"}');
    const { error } = (await response.json()) as { error: { code: string; param: string; message: string } };
    assert.deepEqual([response.status, error.code, error.param], [400, 'invalid_request', 'model']);
    assert.equal(error.message, 'Error processing request: model must stand only once in an object');
  });

  it('asks for the admitted model where its field is written with escapes', async () => {
    const seen = Promise.withResolvers<string>();
    answer = (_request, response, body) => {
      seen.resolve(body.toString());
      json(response, {});
    };
    await call('{"mod\\u0065l":"gpt-4o","input":"Hi","seed":12345678901234567890}');
    assert.equal(await seen.promise, '{"model":"gpt-4o","input":"Hi","seed":12345678901234567890}');
  });

  it('stores contents so that only the data key opens them, or not at all', async () => {
    const secret = `a very private question ${Math.random()}`;
    answer = (_request, response) =>
      json(response, { id: 'resp_private', object: 'response', status: 'completed', output: secret });
    const response = await call({ ...hi, input: secret });
    const client = new Client({ connectionString: stack.database.url });
    await client.connect();
    try {
      const contents = await until(async () => {
        const { rows } = await client.query('select * from chaperone.request_contents where request_id = $1', [
          response.headers.get('x-request-id'),
        ]);
        return rows[0];
      });
      assert.deepEqual([contents.input_encrypted, contents.output_encrypted], [null, null]);
      assert.ok(contents.contents_encrypted.length > 2 * secret.length);
      assert.ok(!contents.contents_encrypted.includes('private'));
    } finally {
      await client.end();
    }
  });
});

function json(response: ServerResponse, value: unknown, status = 200): void {
  const body = typeof value === 'string' ? value : JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
}

function cut(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"id":', () => response.destroy());
}
