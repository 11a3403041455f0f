import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import type OpenAI from 'openai';
import { Client } from 'pg';
import { suiteScope } from '../../scope.ts';
import { type Answer, sendJson, sendStream } from '../../scripted-provider.ts';
import { until } from '../../until.ts';
import { type Routed, startRouted } from './providers.ts';

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const completion = {
  id: 'chatcmpl-good',
  object: 'chat.completion',
  model: 'gpt-4o',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage,
};
const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: 'chatcmpl-good', object: 'chat.completion.chunk', model: 'gpt-4o', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const start = chunk({ role: 'assistant', content: '' });
const streamed = [
  start,
  chunk({ content: 'Hi' }),
  chunk({}, 'stop'),
  `data: ${JSON.stringify({ id: 'chatcmpl-good', choices: [], usage })}\n\n`,
  'data: [DONE]\n\n',
];
const response = {
  id: 'resp_good',
  object: 'response',
  status: 'completed',
  model: 'gpt-4o',
  output: [],
  usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
};

/** Serves everything. */
const serves: Answer = (answered, { path, body }) => {
  if (body.stream === true) return sendStream(answered, streamed);
  if (path.endsWith('/chat/completions')) return sendJson(answered, completion);
  if (path.endsWith('/responses')) return sendJson(answered, response);
  if (path.endsWith('/embeddings')) return sendJson(answered, { object: 'list', model: body.model, data: [], usage });
  if (path.endsWith('/images/generations')) return sendJson(answered, { created: 1, data: [] });
  if (path.endsWith('/transcriptions')) return sendJson(answered, { text: 'Hi' });
  return sendJson(answered, {});
};
const refuses =
  (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  (answered) =>
    answered
      .writeHead(status, { 'content-type': 'application/json', 'retry-after': '0', ...headers })
      .end(JSON.stringify({ error: { message: 'No', type: code, code } }));
const resets: Answer = (answered) => answered.destroy();
const stalls: Answer = () => {};
const errsInside =
  (code: string): Answer =>
  (answered, { body }) =>
    body.stream === true
      ? sendStream(answered, [start, `data: ${JSON.stringify({ error: { message: 'No', code } })}\n\n`])
      : sendJson(answered, { error: { message: 'No', code } });
const cutsBeforeContent: Answer = (answered) => sendStream(answered, [start], { end: 'cut' });
const cutsAfterContent: Answer = (answered) => sendStream(answered, streamed.slice(0, 2), { end: 'cut' });

/** What the record of a call says of its attempts. */
interface Row {
  readonly provider: string;
  readonly status: string;
  readonly total_tokens: string | null;
  readonly attempts: { provider: string; kind: string; http_status: number | null; reason: string }[] | null;
}

/** A call whose first provider fails goes on with the second: real sockets, and the records of both. */
describe('a call whose provider fails', () => {
  const scope = suiteScope();
  let routed: Routed<'first' | 'second' | 'closed'>;
  let database: Client;
  let requests = 0;

  before(async () => {
    routed = await startRouted(scope, {
      providers: {
        // Longer than a busy machine may hold up an answer.
        first: { priority: 0, timeouts: { headers: '3s', idle: '3s' }, circuitBreaker: { failures: 1000 } },
        second: { priority: 1 },
        closed: {
          priority: 0,
          baseUrl: 'http://127.0.0.1:9/v1',
          models: [{ name: 'closed-*' }],
          weight: 1,
          circuitBreaker: { failures: 1000 },
        },
      },
      spec: { retries: { attempts: 3, within: '20s' } },
    });
    database = new Client({ connectionString: routed.database.url });
    await database.connect();
    scope.after(() => database.end());
  });
  beforeEach(() => {
    routed.forget();
    routed.providers.second.answer = serves;
  });

  const post = (path: string, body: object | FormData, headers: Record<string, string> = {}) =>
    fetch(`${routed.baseUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob', ...headers },
      body: body instanceof FormData ? body : JSON.stringify(body),
    });
  const chat = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] };
  /** The record of the call that got this answer, and how many requests the providers had. */
  const recordOf = async (answered: Response): Promise<Row> => {
    const id = answered.headers.get('x-request-id');
    const found: Row[] = [];
    await until(async () => {
      const { rows } = await database.query<Row>(
        'select provider, status, total_tokens, attempts from chaperone.requests where request_id = $1',
        [id],
      );
      found.push(...rows);
      return rows.length > 0;
    }, 'the record of the call');
    const { first, second } = routed.counts();
    requests += first + second;
    return found[0] ?? assert.fail();
  };
  const sent = () => Object.values(routed.counts()).reduce((sum, count) => sum + count, 0);

  const faults: readonly (readonly [string, Answer, string, number | null])[] = [
    ['refuses the key', refuses(401, 'invalid_api_key'), 'key_refused', 401],
    ['does not have the model', refuses(404, 'model_not_found'), 'key_refused', 404],
    ['has had too many calls', refuses(429, 'rate_limit_exceeded'), 'rate_limited', 429],
    ['has an error', refuses(500, 'server_error'), 'provider_error', 500],
    ['is behind a gateway that gives up', refuses(504, 'gateway_timeout'), 'unknown', 504],
    ['resets the connection before its headers', resets, 'unknown', null],
    ['stalls before its headers', stalls, 'unknown', null],
    ['reports an error inside a 200', errsInside('server_error'), 'provider_error', 200],
    ['reports a limit inside a 200', errsInside('rate_limit_exceeded'), 'rate_limited', 200],
  ];
  for (const [what, fault, kind, status] of faults) {
    for (const stream of [false, true]) {
      it(`goes on where the first ${what}${stream ? ', as a stream' : ''}`, async () => {
        routed.providers.first.answer = fault;
        // What is limited is so for one model, and remembered.
        const model = `${kind}-${status}-${stream}`;
        const answered = await post('/chat/completions', { ...chat, model, stream });
        const text = await answered.text();
        assert.equal(answered.status, 200, text);
        assert.match(text, /chatcmpl-good/);
        assert.ok(!text.includes('"No"'), 'nothing of the failed attempt reaches the client');
        if (stream) assert.equal(text.split('"role":"assistant"').length, 2, 'the stream starts once');
        assert.equal(answered.headers.get('x-chaperone-provider'), 'second');
        assert.equal(answered.headers.get('x-chaperone-attempts'), '2');
        assert.match(answered.headers.get('x-chaperone-failed-attempts') ?? '', new RegExp(`^first ${kind} `));
        const { provider, status: end, total_tokens, attempts } = await recordOf(answered);
        assert.deepEqual([provider, end, total_tokens], ['second', 'completed', '15']);
        assert.deepEqual(
          attempts?.map((attempt) => [attempt.provider, attempt.kind, attempt.http_status]),
          [['first', kind, status]],
        );
        assert.equal(sent(), 1 + (attempts?.length ?? 0), 'the account has every request');
      });
    }
  }

  it('goes on where a stream is cut before its first content', async () => {
    routed.providers.first.answer = cutsBeforeContent;
    const answered = await post('/chat/completions', { ...chat, stream: true });
    assert.match(await answered.text(), /"content":"Hi"[\s\S]*\[DONE\]/);
    assert.equal((await recordOf(answered)).attempts?.[0]?.kind, 'unknown');
  });

  it('does not go on where a stream is cut after content: the client has the cut, as it came', async () => {
    routed.providers.first.answer = cutsAfterContent;
    const stream = await routed.client.chat.completions.create({ ...stateless(chat), stream: true });
    const texts: string[] = [];
    await assert.rejects(async () => {
      for await (const { choices } of stream) texts.push(choices[0]?.delta.content ?? '');
    });
    assert.equal(texts.join(''), 'Hi');
    assert.deepEqual(routed.counts(), { first: 1, second: 0, closed: 0 });
  });

  it('goes on where no connection can be made, whatever the call is', async () => {
    routed.providers.first.answer = serves;
    const form = new FormData();
    form.append('model', 'closed-ears');
    form.append('file', new File(['sound'], 'a.wav'));
    const ways: readonly (readonly [string, object | FormData])[] = [
      ['/chat/completions', { ...chat, model: 'closed-1' }],
      ['/responses', { model: 'closed-1', input: 'Hi', background: true }],
      ['/embeddings', { model: 'closed-1', input: 'Hi' }],
      ['/images/generations', { model: 'closed-1', prompt: 'Hi' }],
      ['/audio/transcriptions', form],
    ];
    for (const [path, body] of ways) {
      routed.forget();
      const answered = await post(path, body);
      assert.equal(answered.status, 200, path);
      await answered.text().catch(() => assert.fail(path));
      assert.match(answered.headers.get('x-chaperone-failed-attempts') ?? '', /^closed unreachable unreachable$/, path);
      assert.equal(routed.counts().first, 1, path);
    }
  });

  /** Whether a call goes on, by what a repeat would do, and by what became of the first attempt. */
  const stored = { model: 'gpt-4o', input: 'Hi' };
  const acting = { ...stored, background: true };
  const harm: readonly (readonly [string, object, Answer, boolean])[] = [
    ['a response that is not stored, and reset', { ...stored, store: false }, resets, true],
    ['a stored response that is reset', stored, resets, false],
    ['a stored response with an error', stored, refuses(500, 'server_error'), true],
    ['a background response with an error', acting, refuses(500, 'server_error'), false],
    ['a background response that is refused', acting, refuses(429, 'rate_limit_exceeded'), true],
    [
      'a response that calls a server, and is reset',
      { ...stored, store: false, tools: [{ type: 'mcp', server_label: 'shop', server_url: 'https://shop.example' }] },
      resets,
      false,
    ],
  ];
  for (const [what, body, fault, goesOn] of harm) {
    it(`${goesOn ? 'sends' : 'does not send'} ${what} again`, async () => {
      routed.providers.first.answer = fault;
      const answered = await post('/responses', body);
      await answered.text();
      assert.equal(answered.status === 200, goesOn);
      assert.deepEqual(routed.counts(), { first: 1, second: goesOn ? 1 : 0, closed: 0 });
      assert.equal(answered.headers.get('x-chaperone-attempts'), goesOn ? '2' : '1');
    });
  }

  it('does not send a form again whose bytes are gone', async () => {
    routed.providers.first.answer = refuses(500, 'server_error');
    const form = new FormData();
    form.append('model', 'whisper-1');
    form.append('file', new File(['sound'], 'a.wav'));
    assert.equal((await post('/audio/transcriptions', form)).status, 500);
    assert.deepEqual(routed.counts(), { first: 1, second: 0, closed: 0 });
  });

  it('does not send a call again that is itself wrong', async () => {
    routed.providers.first.answer = refuses(400, 'invalid_request_error');
    const answered = await post('/chat/completions', chat);
    assert.equal(answered.status, 400);
    assert.equal(answered.headers.get('x-chaperone-provider'), 'first');
    assert.deepEqual(routed.counts(), { first: 1, second: 0, closed: 0 });
  });

  it('answers with the last failure, and the headers tell all of them', async () => {
    routed.providers.first.answer = refuses(500, 'server_error');
    routed.providers.second.answer = refuses(429, 'rate_limit_exceeded', { 'retry-after': '7' });
    const answered = await post('/chat/completions', chat);
    assert.equal(answered.status, 429);
    assert.equal(answered.headers.get('retry-after'), '7');
    assert.equal(answered.headers.get('x-chaperone-failed-attempts'), 'first provider_error 500 server_error');
    const { provider, status, attempts } = await recordOf(answered);
    assert.deepEqual([provider, status, attempts?.length], ['second', 'failed', 1]);
    routed.providers.second.answer = resets;
    const unanswered = await post('/chat/completions', chat);
    assert.equal(unanswered.status, 502);
    assert.equal(unanswered.headers.get('x-chaperone-provider'), 'second');
    assert.equal(unanswered.headers.get('x-chaperone-attempts'), '2');
  });

  it('keeps the idempotency key of the client', async () => {
    routed.providers.first.answer = refuses(429, 'rate_limit_exceeded');
    await post('/chat/completions', chat, { 'idempotency-key': 'mine' });
    const keys = [routed.providers.first, routed.providers.second].map(
      ({ requests: [request] }) => request?.headers['idempotency-key'],
    );
    assert.match(String(keys[0]), /^[\da-f]{64}$/);
    assert.equal(keys[0], keys[1]);
  });

  it('ends, without another attempt, where the client leaves meanwhile', async () => {
    routed.providers.first.answer = async (answered) => {
      leaving.abort();
      await new Promise((resolve) => setTimeout(resolve, 100));
      answered.destroy();
    };
    const leaving = new AbortController();
    await assert.rejects(
      fetch(`${routed.baseUrl}/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob' },
        body: JSON.stringify(chat),
        signal: leaving.signal,
      }),
    );
    await until(
      async () => /^chaperone_active_calls\S* 0$/m.test(await metrics(routed.proxy.metricsPort)),
      'the call to end',
    );
    assert.deepEqual(routed.counts(), { first: 1, second: 0, closed: 0 });
  });

  it('is what an analysis does, too', async () => {
    routed.providers.first.answer = refuses(500, 'server_error');
    const answered = await post('/chat/completions', chat);
    const { id } = (await answered.json()) as { id: string };
    routed.forget();
    await post('/analysis', { id, config: { analysis_type: 'intent', categories: [{ name: 'billing' }] } });
    assert.ok(routed.counts().first > 0 && routed.counts().second > 0, JSON.stringify(routed.counts()));
  });

  it('is counted', async () => {
    const text = await metrics(routed.proxy.metricsPort);
    for (const kind of ['key_refused', 'rate_limited', 'provider_error', 'unknown', 'unreachable'])
      assert.match(
        text,
        new RegExp(
          `chaperone_failed_attempts_total\\{gen_ai_provider_name="\\w+",kind="${kind}",organization="acme"\\} \\d`,
        ),
      );
    assert.ok(requests > 0);
  });

  it('stops at the cap, which an edit changes', async () => {
    await routed.edit({ retries: { attempts: 1, within: '20s' } });
    routed.providers.first.answer = refuses(500, 'server_error');
    await until(async () => (await post('/chat/completions', chat)).status === 500, 'the cap to be in force');
    routed.forget();
    assert.equal((await post('/chat/completions', chat)).status, 500);
    assert.deepEqual(routed.counts(), { first: 1, second: 0, closed: 0 });
  });
});

function stateless(body: { model: string; messages: { role: string; content: string }[] }) {
  return body as OpenAI.ChatCompletionCreateParamsNonStreaming;
}

async function metrics(port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}
