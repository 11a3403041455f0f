import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { insights } from '../../../proxy/surfaces/insights/index.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

import { makeAsk } from './governance/ask.ts';

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly example?: object } }>>;
  };
}

interface Attempt {
  readonly path: readonly string[];
  readonly query: readonly (readonly [string, string])[];
  readonly body: string;
}

const inputsPerOperation = 20;
const seed = 20_261_122;

/** Values that have been trouble somewhere. */
const awkward = fc.constantFrom(
  '',
  ' ',
  '0',
  '-1',
  '1e309',
  '9'.repeat(30),
  'null',
  '\0',
  '%00',
  '../../etc',
  "'; drop table chaperone.users; --",
  '😀\ud800',
  'x'.repeat(5_000),
  '2026-02-30',
  '0000-00-00',
  '275760-09-14T00:00:00Z',
  'infinity',
  'req_00000000000000000000000000000000',
  'resp_',
  '123e4567-e89b-12d3-a456-426614174000',
);
const anyText = fc.oneof(awkward, fc.string({ maxLength: 60, unit: 'binary' }));
const value = fc.oneof(anyText, fc.jsonValue({ maxDepth: 3 }));

/** Any body at all, and more often one that is nearly right. */
function bodies(example: object): fc.Arbitrary<string> {
  const nearlyRight = fc
    .tuple(fc.constantFrom(...Object.keys(example), 'unknown'), value, fc.boolean())
    .map(([field, wrong, remove]) => JSON.stringify({ ...example, [field]: remove ? undefined : wrong }));
  return fc.oneof(
    { weight: 4, arbitrary: Object.keys(example).length > 0 ? nearlyRight : value.map((any) => JSON.stringify(any)) },
    { weight: 1, arbitrary: value.map((any) => JSON.stringify(any)) },
    { weight: 1, arbitrary: fc.string() },
  );
}

describe('bad input', () => {
  const scope = suiteScope();
  let stack: Stack;
  let operations: { readonly method: string; readonly path: string; readonly operation: Operation }[];
  before(async () => {
    stack = await startStack(scope, { ownProcess: true });
    const response = await fetch(stack.baseUrl.replace(/\/v1$/, '/openapi.json'));
    const { paths } = (await response.json()) as { paths: Record<string, Record<string, Operation>> };
    operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
    );
  });

  const attempts = (operation: Operation): fc.Arbitrary<Attempt> => {
    const named = operation.parameters?.filter((parameter) => parameter.in === 'query').map(({ name }) => name) ?? [];
    const example = Object.values(operation.requestBody?.content ?? {})[0]?.schema.example ?? {};
    return fc.record({
      path: fc.array(anyText, { minLength: 4, maxLength: 4 }),
      query: fc.array(fc.tuple(fc.constantFrom(...named, 'unknown'), anyText), { maxLength: 3 }),
      body: bodies(example),
    });
  };

  const throwAt = async ({ method, path, operation }: (typeof operations)[number]) => {
    for (const attempt of fc.sample(attempts(operation), { numRuns: inputsPerOperation, seed })) {
      const url = toUrl(path, attempt);
      const hasBody = method !== 'GET' && method !== 'DELETE';
      // With all at once, a busy machine may say that records or providers are late: then it is asked again.
      const [response, answer] = await until(async () => {
        const answered = await fetch(`${stack.baseUrl.replace(/\/v1$/, '')}${url}`, {
          method,
          headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'content-type': 'application/json' },
          ...(hasBody && { body: attempt.body }),
          signal: AbortSignal.timeout(60_000),
        });
        const text = await answered.text();
        const isLate =
          (answered.status === 503 && answered.headers.has('retry-after')) ||
          (answered.status === 502 && text.includes('upstream_unreachable'));
        return isLate ? undefined : ([answered, text] as const);
      }, `an answer to ${method} ${path}`);
      const what = `${method} ${url.slice(0, 300)} ${hasBody ? attempt.body.slice(0, 300) : ''}: ${response.status} ${answer.slice(0, 300)}`;
      if (response.status < 400) continue;
      const { error, detail, code: ownCode, message } = JSON.parse(answer);
      // There is no cluster here to train in.
      assert.ok(response.status < 500 || ownCode === 'training_unavailable', what);
      assert.match(response.headers.get('x-request-id') ?? '', /^req_/, what);
      // The API of voice sessions says only this.
      if (/^\/api\/v1\/(sessions|feedback)/.test(path)) {
        assert.ok(typeof detail === 'string' && detail !== '', what);
        continue;
      }
      if (insights.paths.some((own) => path === own || path.startsWith(`${own}/`))) {
        assert.ok(error === true && typeof ownCode === 'string' && typeof message === 'string' && message !== '', what);
        continue;
      }
      // The provider's own errors pass as they are, and some have no code.
      const code = path.startsWith('/v1/messages') ? (error.details?.error_code ?? error.type) : error.code;
      const hasCode = typeof code === 'string' || code === null;
      assert.ok(typeof error.message === 'string' && error.message !== '' && hasCode, what);
    }
  };

  it('gets an error in the envelope from every operation, and never a 500', async () => {
    assert.ok(operations.length > 15, `${operations.length} operations`);
    // All at once: most of them wait, for a record that may still be on its way.
    await Promise.all(operations.map(throwAt));
    const health = await fetch(`${stack.baseUrl}/personas`, {
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' },
    });
    assert.equal(health.status, 200);
  });

  const ask = async (method: string, path: string, body: object) => {
    const answer = await makeAsk(stack)(method, path, body);
    return [answer.status, answer.body.error?.code, answer.body.error?.param];
  };
  const nul = 'x\0y';

  it('finds nothing by an id that no database could store', async () => {
    const hi = { model: 'gpt-4o', input: 'Hi' };
    const rate = (id: string) => ask('POST', `/responses/${encodeURIComponent(id)}/rate`, { rating: 1 });
    assert.deepEqual(await rate('resp_\0'), [404, 'request_not_found', 'id']);
    assert.deepEqual(await rate('req_\0'), [404, 'request_not_found', 'id']);
    const followUp = await ask('POST', '/responses', { ...hi, previous_response_id: 'resp_\0' });
    assert.deepEqual(followUp, [400, 'previous_response_not_found', 'previous_response_id']);
    const inConversation = await ask('POST', '/responses', { ...hi, conversation: 'conv_\0' });
    assert.deepEqual(inConversation.slice(0, 2), [404, 'resource_not_found']);
    const config = { analysis_type: 'intent', categories: [{ name: 'a' }] };
    assert.deepEqual(await ask('POST', '/analysis', { id: nul, config }), [404, 'request_not_found', 'id']);
  });

  it('gets the field of a persona that no database could store', async () => {
    const change = (fields: object) => ask('POST', '/personas', { name: 'Odd', content: 'x', ...fields });
    const refused = (param: string) => [400, 'invalid_request', param];
    assert.deepEqual(await change({ users: ['ada', nul] }), refused('users[1]'));
    assert.deepEqual(await change({ users: ['\ud800'] }), refused('users[0]'));
    assert.deepEqual(await change({ user_id: nul }), refused('user_id'));
    assert.deepEqual(await change({ parameters: { stop: ['a', nul] } }), refused('parameters.stop[1]'));
    assert.deepEqual(await change({ parameters: { metadata: { a: '\ud800' } } }), refused('parameters.metadata.a'));
    assert.deepEqual(await change({ parameters: { [nul]: 1 } }), refused('parameters'));
    const deep = JSON.parse('['.repeat(5_000) + ']'.repeat(5_000));
    const [status, , param] = await change({ parameters: { deep } });
    assert.deepEqual([status, String(param).slice(0, 18)], [400, 'parameters.deep[0]']);
    assert.deepEqual((await change({ model: nul }))[0], 201);
    assert.deepEqual((await ask('POST', '/users', { user_id: 'odd', display_name: nul }))[0], 201);
    assert.deepEqual((await ask('PATCH', '/users/odd', { display_name: nul }))[0], 200);
  });

  it('gets the envelope even if it is not HTTP', async () => {
    const start = 'GET /v1/personas HTTP/1.1\r\nhost: x\r\n';
    const attempts = [
      [400, 'invalid_request', 'hello\r\n\r\n'],
      [400, 'invalid_request', `${start}x-user-id: a\0b\r\n\r\n`],
      [400, 'invalid_request', `${start}content-length: -1\r\n\r\n`],
      [431, 'headers_too_large', `${start}x-user-id: ${'a'.repeat(20_000)}\r\n\r\n`],
    ] as const;
    for (const [status, code, bytes] of attempts) {
      const answer = await exchange(stack.baseUrl, bytes);
      assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [status, code]);
      assert.match(answer.head, /x-request-id: req_/);
    }
  });
});

/** Bytes as a client might write them, and what comes back until the connection is closed. */
async function exchange(url: string, bytes: string | Buffer): Promise<{ status: number; body: string; head: string }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(20_000, () => socket.destroy(new Error('no answer')));
  socket.write(bytes);
  const answer = await text(socket);
  const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
  return { status: Number(head.split(' ')[1]), head, body };
}

function toUrl(path: string, { path: segments, query }: Attempt): string {
  let index = 0;
  const filled = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent((segments[index++] ?? '').toWellFormed()) || 'x');
  return query.length === 0
    ? filled
    : `${filled}?${new URLSearchParams(query.map(([name, text]) => [name, text.toWellFormed()]))}`;
}
