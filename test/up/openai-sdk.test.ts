import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { repository } from '../directories.ts';
import { recordOf } from '../recorded-call.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { onlyOrganization, type RunningUp, startUp } from './start-up.ts';

/** The unchanged OpenAI SDK against `chaperone up examples/quickstart`. */
describe('the OpenAI Node SDK', () => {
  const scope = suiteScope();
  let up: RunningUp;
  let client: OpenAI;
  let database: Client;

  const as = (user: string, headers: Record<string, string> = {}) =>
    new OpenAI({
      baseURL: onlyOrganization(up).baseUrl,
      apiKey: onlyOrganization(up).token,
      defaultHeaders: { 'X-User-ID': user, ...headers },
      maxRetries: 0,
    });

  before(async () => {
    up = await startUp(scope, { directory: `${repository}/examples/quickstart` });
    client = as('bob@example.com');
    database = await connect(scope, up.ready.databaseUrl);
  });

  it('creates a response, and its record has the exact usage and the price', async () => {
    const { data, response } = await client.responses.create({ model: 'gpt-4o-mini', input: 'Hello!' }).withResponse();
    assert.match(data.output_text, /You said: Hello!/);
    const record = await recordOf(database, response.headers.get('x-request-id') ?? '');
    assert.equal(record.status, 'completed');
    assert.equal(record.response_id, data.id);
    assert.equal(Number(record.input_tokens), data.usage?.input_tokens);
    assert.equal(Number(record.output_tokens), data.usage?.output_tokens);
    const { input_tokens: input = 0, output_tokens: output = 0 } = data.usage ?? {};
    assert.equal(Number(record.cost_usd), Number(((input * 0.15 + output * 0.6) / 1e6).toFixed(12)));
    assert.match(record.session_id, /^sess_[0-9a-f]{24}$/);
    assert.equal(response.headers.get('x-session-id'), record.session_id);
  });

  it('streams a response with every event in order', async () => {
    const stream = await client.responses.create({ model: 'gpt-4o', input: 'Stream, please', stream: true });
    const types: string[] = [];
    let text = '';
    let sequence = -1;
    for await (const event of stream) {
      types.push(event.type);
      assert.ok(event.sequence_number > sequence);
      sequence = event.sequence_number;
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    assert.equal(types[0], 'response.created');
    assert.equal(types.at(-1), 'response.completed');
    assert.match(text, /You said: Stream, please/);
  });

  it('continues a conversation, and does not show it to another user', async () => {
    const first = await client.responses.create({ model: 'gpt-4o', input: 'I am Bob' });
    const next = { model: 'gpt-4o', input: 'Who am I?', previous_response_id: first.id };
    const second = await client.responses.create(next);
    assert.equal(second.previous_response_id, first.id);
    assert.match(second.output_text, /I am Bob/);
    const refusal = await as('mallory@example.com')
      .responses.create(next)
      .catch((error: unknown) => error);
    assert.ok(refusal instanceof OpenAI.BadRequestError);
    assert.equal(refusal.code, 'previous_response_not_found');
  });

  it('completes chats; a stream shows usage only on request, and is always recorded', async () => {
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const plain = await client.chat.completions.create({ model: 'gpt-4o', messages });
    assert.match(plain.choices[0]?.message.content ?? '', /You said: Hi/);

    const collect = async (options: Partial<OpenAI.ChatCompletionCreateParamsStreaming>) => {
      const body = { model: 'gpt-4o', messages, stream: true as const, ...options };
      const { data, response } = await client.chat.completions.create(body).withResponse();
      const chunks: OpenAI.ChatCompletionChunk[] = [];
      for await (const chunk of data) chunks.push(chunk);
      return { chunks, record: await recordOf(database, response.headers.get('x-request-id') ?? '') };
    };
    const unasked = await collect({});
    assert.ok(unasked.chunks.every((chunk) => !('usage' in chunk) && chunk.choices.length === 1));
    const asked = await collect({ stream_options: { include_usage: true } });
    assert.equal(asked.chunks.at(-1)?.usage?.total_tokens, Number(asked.record.total_tokens));
    assert.equal(unasked.record.total_tokens, asked.record.total_tokens);
    assert.equal(Number(unasked.record.total_tokens), plain.usage?.total_tokens);
    assert.ok(unasked.record.cost_usd > 0);
  });

  it('makes embeddings', async () => {
    const { data, response } = await client.embeddings
      .create({ model: 'text-embedding-3-small', input: ['one', 'two'] })
      .withResponse();
    assert.equal(data.data.length, 2);
    const record = await recordOf(database, response.headers.get('x-request-id') ?? '');
    assert.equal(Number(record.input_tokens), data.usage.prompt_tokens);
    assert.ok(record.cost_usd > 0);
  });

  it('lists only the models that the organization allows', async () => {
    const ids = (await client.models.list()).data.map((model) => model.id);
    assert.ok(ids.includes('gpt-4o-mini') && ids.includes('text-embedding-3-small'));
    assert.ok(
      ids.every((id) => /^(gpt-4o|gpt-4\.1|gpt-5|o4-mini|text-embedding-3-)/.test(id)),
      ids.join(),
    );
    assert.equal((await client.models.retrieve('gpt-4o')).id, 'gpt-4o');
    await assert.rejects(client.models.retrieve('o1'), OpenAI.NotFoundError);
  });

  it('replaces the instructions by the persona, and does not send persona_id to the provider', async () => {
    const { personas } = await client.get<{ personas: { id: string; name: string }[] }>('/personas');
    const [support] = personas;
    assert.equal(support?.name, 'Support Agent');
    const body = { input: 'Hi', instructions: 'Speak like a pirate', persona_id: support?.id };
    // No model either: the persona has one. Only the types do not know of that.
    const response = await client.responses.create(body as OpenAI.Responses.ResponseCreateParamsNonStreaming);
    assert.match(response.output_text, /Instructions: You are the support agent/);
    assert.doesNotMatch(response.output_text, /pirate/);
    assert.equal(response.temperature, 0.3);
    assert.match(response.model, /^gpt-4o-mini/);
    const calls = await fetch(new URL(`/sandbox/calls/${response.id}`, up.ready.upstream)).then((answer) =>
      answer.text(),
    );
    assert.doesNotMatch(calls, /persona_id/);
  });

  it('restricts a persona to its user, and answers others as if it did not exist', async () => {
    const { personas } = await as('alice@example.com').get<{ personas: { id: string; name: string }[] }>('/personas');
    const finance = personas.find(({ name }) => name === 'Finance Analyst');
    assert.ok(finance);
    const ask = (user: string, id: string) =>
      as(user)
        .post('/responses', { body: { model: 'gpt-4o', input: 'Hi', persona_id: id } })
        .then(
          () => 'answered',
          (error: InstanceType<typeof OpenAI.APIError>) => [error.status, error.message, error.code].join(' '),
        );
    assert.equal(await ask('alice@example.com', finance.id), 'answered');
    const refusal = await ask('bob@example.com', finance.id);
    assert.equal(
      refusal,
      '404 404 Persona not found or not accessible: GET /v1/personas lists those that you may use persona_not_found',
    );
    assert.equal(await ask('bob@example.com', '123e4567-e89b-12d3-a456-426614174000'), refusal);
  });

  it('calls with the user’s key where there is one, and never shows a key', async () => {
    const keyOf = async (user: string) => {
      const { data, response } = await as(user).responses.create({ model: 'gpt-4o', input: 'Key?' }).withResponse();
      const call = await fetch(new URL(`/sandbox/calls/${data.id}`, up.ready.upstream)).then((answer) => answer.json());
      assert.doesNotMatch(JSON.stringify([data, ...response.headers]), /sk-sandbox/);
      const headers = Object.fromEntries((call as { headers: [string, string][] }).headers);
      for (const name of ['cookie', 'x-user-id', 'x-session-id', 'x-api-key', 'x-stainless-lang']) {
        assert.equal(headers[name], undefined, name);
      }
      return headers.authorization;
    };
    assert.equal(await keyOf('alice@example.com'), 'Bearer sk-sandbox-alice');
    assert.equal(await keyOf('bob@example.com'), 'Bearer sk-sandbox-shared');
    const { rows } = await database.query<{ sealed: Buffer }>('select key_encrypted as sealed from chaperone.api_keys');
    assert.ok(rows.length === 2 && rows.every(({ sealed }) => sealed.length > 40 && !sealed.includes('sk-sandbox')));
  });

  it('rates a response at once, by either id, and again', async () => {
    const { data, response } = await client.responses.create({ model: 'gpt-4o', input: 'Rate me' }).withResponse();
    const requestId = response.headers.get('x-request-id') ?? '';
    const rate = (id: string, body: object) => client.post<Record<string, unknown>>(`/responses/${id}/rate`, { body });
    const first = await rate(data.id, { rating: 1, feedback: 'Helpful' });
    assert.deepEqual(
      { ...first, rated_at: typeof first.rated_at },
      { request_id: requestId, response_id: data.id, rating: 1, feedback: 'Helpful', rated_at: 'string' },
    );
    await rate(requestId, { rating: -1 });
    const stored = await until(async () => {
      const { rows } = await database.query('select * from chaperone.ratings where request_id = $1', [requestId]);
      return rows[0]?.rating === -1 && rows[0];
    }, 'the second rating');
    assert.equal(stored.feedback, null);
    const history = await database.query('select count(*)::int from chaperone.rating_history where request_id = $1', [
      requestId,
    ]);
    assert.equal(history.rows[0].count, 2);
    await assert.rejects(rate('resp_unknown', { rating: 1 }), OpenAI.NotFoundError);
    await assert.rejects(rate(data.id, { rating: 5 }), OpenAI.BadRequestError);
  });

  it('raises the right exception for each refusal, with the sentence of the document', async () => {
    const input = { model: 'gpt-4o', input: 'Hi' };
    const refusals: [string, () => Promise<unknown>, new (...args: never[]) => Error, RegExp][] = [
      [
        'no credential',
        () => new OpenAI({ baseURL: client.baseURL, apiKey: 'nonsense', maxRetries: 0 }).responses.create(input),
        OpenAI.AuthenticationError,
        /Invalid authentication credentials/,
      ],
      ['no user', () => as('').responses.create(input), OpenAI.BadRequestError, /User not found/],
      [
        'model',
        () => client.responses.create({ ...input, model: 'o1' }),
        OpenAI.PermissionDeniedError,
        /does not allow/,
      ],
      [
        'upstream 429',
        () => client.responses.create({ ...input, metadata: { sandbox: 'status=429' } }),
        OpenAI.RateLimitError,
        /./,
      ],
      [
        'upstream 500',
        () => client.responses.create({ ...input, metadata: { sandbox: 'status=500' } }),
        OpenAI.InternalServerError,
        /./,
      ],
      [
        'unreachable',
        () => client.responses.create({ ...input, metadata: { sandbox: 'reset' } }),
        OpenAI.InternalServerError,
        /502 Error processing request/,
      ],
      [
        'garbage',
        () => client.responses.create({ ...input, metadata: { sandbox: 'garbage' } }),
        OpenAI.InternalServerError,
        /502 Error processing request/,
      ],
      [
        'provider judges',
        () => client.responses.create({ ...input, temperature: 7 }),
        OpenAI.BadRequestError,
        /temperature/,
      ],
    ];
    for (const [name, call, type, message] of refusals) {
      const error = await call().then(
        () => assert.fail(`${name}: was answered`),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof type, `${name}: ${error}`);
      assert.match(error.message, message, name);
    }
  });

  it('raises an error for a stream that is cut, and its record is failed', async () => {
    for (const fault of ['cut', 'no-terminal', 'error-in-stream', 'failed']) {
      const body = { model: 'gpt-4o', input: 'Break', stream: true as const, metadata: { sandbox: fault } };
      const { data, response } = await client.responses.create(body).withResponse();
      const types: string[] = [];
      const error = await (async () => {
        for await (const event of data) types.push(event.type);
      })().catch((reason: unknown) => reason);
      if (fault !== 'failed') assert.ok(error instanceof Error, `${fault} ended like a success: ${types.join()}`);
      const record = await recordOf(database, response.headers.get('x-request-id') ?? '');
      assert.equal(record.status, 'failed', fault);
    }
  });

  it('is recorded with its usage even when the client leaves', async () => {
    const body = {
      model: 'gpt-4o',
      input: 'Long',
      stream: true as const,
      // More than there is room for on its way, so that its end is not there before the client has gone.
      metadata: { sandbox: 'words=200000' },
    };
    const { data, response } = await client.responses.create(body).withResponse();
    for await (const event of data) if (event.type === 'response.output_text.delta') break;
    const record = await recordOf(database, response.headers.get('x-request-id') ?? '');
    assert.equal(record.status, 'cancelled');
    const calls = (await fetch(new URL('/sandbox/calls', up.ready.upstream)).then((answer) => answer.json())) as {
      calls: { id: string; total_tokens: number }[];
    };
    const billed = calls.calls.find(({ id }) => id === record.response_id);
    assert.equal(Number(record.total_tokens), billed?.total_tokens);
  });

  it('has metrics that Prometheus can read, without any free text', async () => {
    await client.responses.create({ model: 'gpt-4o', input: 'Hi', user: 'free text' });
    const text = await fetch(onlyOrganization(up).metricsUrl).then((answer) => answer.text());
    assert.match(text, /gen_ai_client_token_usage_bucket\{[^}]*gen_ai_request_model="gpt-4o"/);
    assert.match(text, /chaperone_calls_total\{[^}]*status="completed"\} \d+/);
    assert.match(
      text,
      /^chaperone_build_info\{component="proxy",version="\d+\.\d+\.\d+[^"]*",node="\d+\.[^"]+",organization="acme"\} 1$/m,
    );
    assert.doesNotMatch(text, /bob@example\.com|sk-sandbox|free text/);
  });

  it('has metrics without problems for promtool', async (t) => {
    const text = await fetch(onlyOrganization(up).metricsUrl).then((answer) => answer.text());
    const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    if (error) t.skip('promtool is not installed');
    else assert.equal(status, 0, stdout + stderr);
  });
});
