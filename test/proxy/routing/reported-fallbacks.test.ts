import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { Client } from 'pg';
import { suiteScope } from '../../scope.ts';
import { type Answer, sendJson, sendStream } from '../../scripted-provider.ts';
import { until } from '../../until.ts';
import { type Routed, startRouted } from './providers.ts';

/**
 * What users of other gateways have reported about fallbacks: each report is a test here, against real sockets. The
 * reports are public issues and pull requests; they say what went wrong, and the test that it does not here.
 */

const usage = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 };
const completion = {
  id: 'chatcmpl-good',
  object: 'chat.completion',
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage,
};
const sse = (data: object, event?: string) => `${event ? `event: ${event}\n` : ''}data: ${JSON.stringify(data)}\n\n`;
const chunk = (delta: object, finish_reason: string | null = null) =>
  sse({
    id: 'chatcmpl-good',
    object: 'chat.completion.chunk',
    model: 'gpt-4o',
    choices: [{ index: 0, delta, finish_reason }],
  });
const start = chunk({ role: 'assistant', content: '' });
const streamed = [
  start,
  chunk({ content: 'Hi' }),
  chunk({}, 'stop'),
  sse({ id: 'chatcmpl-good', choices: [], usage }),
  'data: [DONE]\n\n',
];
const response = { id: 'resp_good', object: 'response', model: 'gpt-4o', status: 'in_progress', output: [] };
const responseEvents = [
  sse({ type: 'response.created', sequence_number: 0, response }, 'response.created'),
  sse(
    {
      type: 'response.output_text.delta',
      sequence_number: 1,
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      delta: 'Hi',
    },
    'response.output_text.delta',
  ),
  sse(
    { type: 'response.completed', sequence_number: 2, response: { ...response, status: 'completed' } },
    'response.completed',
  ),
];
const message = {
  id: 'msg_good',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-6',
  content: [],
  stop_reason: null,
  usage: { input_tokens: 5, output_tokens: 1 },
};
const messageStart = sse({ type: 'message_start', message }, 'message_start');
const messageEvents = [
  messageStart,
  sse({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }, 'content_block_start'),
  sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } }, 'content_block_delta'),
  sse({ type: 'content_block_stop', index: 0 }, 'content_block_stop'),
  sse(
    { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } },
    'message_delta',
  ),
  sse({ type: 'message_stop' }, 'message_stop'),
];
const overloaded = sse({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'error');

/** Serves everything. */
const serves: Answer = (answered, { path, body }) => {
  if (path.endsWith('/messages')) return sendStream(answered, messageEvents);
  if (path.endsWith('/responses')) return sendStream(answered, responseEvents);
  return body.stream === true ? sendStream(answered, streamed) : sendJson(answered, completion);
};
const refuses =
  (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  (answered) =>
    answered
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify({ error: { message: 'No', type: code, code } }));
const streams =
  (events: readonly string[], end: 'clean' | 'cut' = 'clean'): Answer =>
  (answered) =>
    sendStream(answered, events, { end });

describe('a report of another gateway’s users:', () => {
  const scope = suiteScope();
  let routed: Routed<'first' | 'second' | 'third' | 'nowhere' | 'claude' | 'sonnet'>;
  let anthropic: Anthropic;
  let database: Client;
  /** What is limited is so for one model, and a circuit for one provider; so each test has a model of its own. */
  let model: string;
  let models = 0;

  before(async () => {
    const patient = { circuitBreaker: { failures: 1_000 } };
    const gpt = [{ name: 'gpt-*' }];
    routed = await startRouted(scope, {
      providers: {
        first: { priority: 0, circuitBreaker: { failures: 3, pause: '1h' }, models: [...gpt, { name: 'few-*' }] },
        second: { priority: 1, models: [{ name: 'gpt-renamed', as: 'deployment-2' }, ...gpt], ...patient },
        third: { priority: 2, models: gpt, ...patient },
        nowhere: {
          priority: 0,
          baseUrl: 'http://no-such-host.invalid/v1',
          models: [{ name: 'gpt-4o' }],
          weight: 1,
          ...patient,
        },
        claude: { type: 'anthropic', priority: 0, models: [{ name: 'claude-*' }], ...patient },
        sonnet: { type: 'anthropic', priority: 1, models: [{ name: 'claude-*' }], ...patient },
      },
      bindings: {
        first: { provider: 'first' },
        second: { provider: 'second' },
        third: { provider: 'third', user: 'alice' },
        nowhere: { provider: 'nowhere' },
        claude: { provider: 'claude' },
        sonnet: { provider: 'sonnet' },
      },
      spec: { retries: { attempts: 3, within: '20s' } },
    });
    anthropic = new Anthropic({
      baseURL: routed.baseUrl.replace(/\/v1$/, ''),
      apiKey: routed.token,
      defaultHeaders: { 'X-User-ID': 'bob' },
      maxRetries: 0,
    });
    database = new Client({ connectionString: routed.database.url });
    await database.connect();
    scope.after(() => database.end());
  });
  beforeEach(() => {
    routed.forget();
    models += 1;
    model = `gpt-${models}`;
    for (const name of ['first', 'second', 'third', 'claude', 'sonnet'] as const)
      routed.providers[name].answer = serves;
  });
  /** One answer closes the circuit that a test has counted failures for. */
  const reset = async () => {
    routed.providers.first.answer = serves;
    await send({ model: `few-${models}`, messages: [] });
  };

  const send = (body: object, signal?: AbortSignal) =>
    fetch(`${routed.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob' },
      body: JSON.stringify(body),
      signal: signal ?? null,
    });
  const chat = async (changes: object = {}) => {
    const answered = await send({ model, messages: [{ role: 'user', content: 'Hi' }], ...changes });
    const text = await answered.text();
    return { answered, text, provider: answered.headers.get('x-chaperone-provider') };
  };
  const counts = () => {
    const { first, second, third } = routed.counts();
    return [first, second, third];
  };
  const row = ({ headers }: Response) =>
    until(async () => {
      const { rows } = await database.query(
        'select provider, status, cost_usd::text, attempts from chaperone.requests where request_id = $1',
        [headers.get('x-request-id')],
      );
      return rows[0];
    }, 'the record of the call');

  describe('streams', () => {
    // maximhq/bifrost#5395: only an error in the first event fell back; OpenAI sends response.created before it.
    it('an error after response.created goes on elsewhere, and the stream starts once', async () => {
      const quota = sse(
        { type: 'error', sequence_number: 1, code: 'insufficient_quota', message: 'No', param: null },
        'error',
      );
      routed.providers.first.answer = streams([responseEvents[0] ?? '', quota]);
      const stream = await routed.client.responses.create({ model, input: 'Hi', stream: true, store: false });
      const types: string[] = [];
      for await (const { type } of stream) types.push(type);
      assert.deepEqual(types, ['response.created', 'response.output_text.delta', 'response.completed']);
      assert.deepEqual(counts(), [1, 1, 0]);
    });

    // BerriAI/litellm#6957, #38153: Anthropic’s overloaded_error came after message_start, and there was no fallback.
    it('an overloaded_error after message_start goes on elsewhere, with one message_start', async () => {
      routed.providers.claude.answer = streams([messageStart, overloaded]);
      const ask = { model: 'claude-sonnet-4-6', max_tokens: 10, messages: [{ role: 'user' as const, content: 'Hi' }] };
      const types: string[] = [];
      for await (const { type } of await anthropic.messages.create({ ...ask, stream: true })) types.push(type);
      assert.equal(types.filter((type) => type === 'message_start').length, 1);
      assert.equal(types.at(-1), 'message_stop');
    });

    // BerriAI/litellm#38610: where the fallback failed, too, clients got two beginnings, and no end.
    it('an error of both providers reaches the client once, as an error', async () => {
      routed.providers.claude.answer = streams([messageStart, overloaded]);
      routed.providers.sonnet.answer = streams([messageStart, overloaded]);
      const ask = { model: 'claude-sonnet-4-6', max_tokens: 10, messages: [{ role: 'user' as const, content: 'Hi' }] };
      const types: string[] = [];
      await assert.rejects(async () => {
        for await (const { type } of await anthropic.messages.create({ ...ask, stream: true })) types.push(type);
      }, /overloaded_error/);
      assert.ok(types.length <= 1, types.join());
    });

    // Wei-Shaw/sub2api#1007, BerriAI/litellm#32835: another attempt was appended to what the client already had.
    it('an error after content goes to the client, and nothing is appended to it', async () => {
      let fail = () => {};
      routed.providers.first.answer = async (answered) => {
        answered.writeHead(200, { 'content-type': 'text/event-stream' });
        answered.write(start + chunk({ content: 'Half' }));
        await new Promise<void>((resolve) => {
          fail = resolve;
        });
        answered.end(sse({ error: { message: 'No', code: 'server_error' } }));
      };
      const answered = await send({ model, messages: [], stream: true });
      assert.equal(answered.headers.get('x-chaperone-provider'), 'first');
      let text = '';
      for await (const part of answered.body?.pipeThrough(new TextDecoderStream()) ?? assert.fail()) {
        text += part;
        if (text.includes('Half')) fail();
      }
      assert.equal(text.split('"role":"assistant"').length, 2);
      assert.match(text, /Half[\s\S]*server_error/);
      assert.ok(!text.includes('"content":"Hi"'), text);
      assert.deepEqual(counts(), [1, 0, 0]);
    });

    // maximhq/bifrost#5546: a stream whose connection died ended with [DONE], like a good one.
    it('a stream that dies after content does not end as if it were complete', async () => {
      routed.providers.first.answer = streams([start, chunk({ content: 'Half' })], 'cut');
      const { data: stream, response: answered } = await routed.client.chat.completions
        .create({ model, messages: [], stream: true })
        .withResponse();
      await assert.rejects(async () => {
        for await (const _ of stream);
      });
      assert.equal((await row(answered)).status, 'failed');
    });

    // musistudio/claude-code-router#1759: a stream of comments alone counted as an answer.
    it('a stream that has comments and no event goes on elsewhere', async () => {
      routed.providers.first.answer = streams([': keepalive\n\n', ': keepalive\n\n']);
      assert.equal((await chat({ stream: true })).provider, 'second');
    });

    // musistudio/claude-code-router#1759: looking for an error held a slow stream without any bound.
    it('a long beginning without content is not held for ever', async () => {
      let end = () => {};
      routed.providers.first.answer = async (answered) => {
        answered.writeHead(200, { 'content-type': 'text/event-stream' });
        answered.write(`: ${'x'.repeat(70_000)}\n\n`);
        await new Promise<void>((resolve) => {
          end = resolve;
        });
        for (const event of streamed) answered.write(event);
        answered.end();
      };
      const answered = await send({ model, messages: [], stream: true });
      const reader = answered.body?.getReader() ?? assert.fail();
      assert.equal((await reader.read()).done, false, 'the client has it while the provider still thinks');
      end();
      let isDone = false;
      while (!isDone) isDone = (await reader.read()).done;
    });

    // BerriAI/litellm#19077: a call without fallbacks fell back in mid-stream all the same.
    it('an organization without further attempts has none, in streams neither', async () => {
      await routed.edit({ retries: { attempts: 1, within: '20s' } });
      const fail = async () => {
        routed.providers.first.answer = streams([start, sse({ error: { message: 'No', code: 'server_error' } })]);
        routed.forget();
        const { text, provider } = await chat({ stream: true });
        const asked = counts().join();
        // However long the edit takes, the circuit stays closed.
        await reset();
        return { text, provider, asked };
      };
      await until(async () => {
        const { text, asked } = await fail();
        return text.includes('server_error') && asked === '1,0,0';
      }, 'the edit to be in force');
      await routed.edit({ retries: { attempts: 3, within: '20s' } });
      await until(async () => (await fail()).provider === 'second', 'the edit to be undone');
    });
  });

  describe('what goes on, and where', () => {
    // agentgateway/agentgateway#1087, kgateway-dev/kgateway#13216: a 503 reached the client; only later calls failed over.
    it('the very call that gets a 503 goes on', async () => {
      routed.providers.first.answer = refuses(503, 'unavailable');
      assert.deepEqual([(await chat()).answered.status, ...counts()], [200, 1, 1, 0]);
    });

    // kgateway-dev/kgateway#11116, envoyproxy/ai-gateway#1497: each retry went to the pool that had failed.
    it('the next attempt goes to the next priority, and not back', async () => {
      for (const name of ['first', 'second'] as const) routed.providers[name].answer = refuses(500, 'server_error');
      const { answered } = await chat();
      assert.deepEqual([answered.status, ...counts()], [500, 1, 1, 0]);
    });

    // agentgateway/agentgateway#2979: a name that does not resolve failed the call.
    it('a host that does not resolve goes on elsewhere', async () => {
      const { answered } = await chat({ model: 'gpt-4o' });
      assert.equal(answered.headers.get('x-chaperone-failed-attempts'), 'nowhere unreachable unreachable');
    });

    // mnfst/llm-gateway#1180: a revoked key was the end of the call.
    it('a revoked key goes on elsewhere', async () => {
      routed.providers.first.answer = refuses(401, 'invalid_api_key');
      assert.equal((await chat()).provider, 'second');
      await reset();
    });

    // agentgateway/agentgateway#1500: a 429 without Retry-After did not fail over.
    it('a 429 without Retry-After goes on elsewhere', async () => {
      routed.providers.first.answer = refuses(429, 'rate_limit_exceeded');
      assert.deepEqual(
        [(await chat()).provider, (await chat()).answered.headers.get('x-chaperone-attempts')],
        ['second', '1'],
      );
    });

    // BerriAI/litellm#3274: a limited call waited for Retry-After before it fell back.
    it('a limited call goes on at once', async () => {
      routed.providers.first.answer = refuses(429, 'rate_limit_exceeded', { 'retry-after': '3600' });
      assert.equal((await chat()).provider, 'second');
    });

    // BerriAI/litellm#19985, #6498: attempts multiplied, and models went round for ever.
    it('there are no more attempts than stated, and none twice', async () => {
      for (const name of ['first', 'second', 'third'] as const)
        routed.providers[name].answer = refuses(500, 'server_error');
      const { answered } = await chat();
      assert.equal(answered.status, 500);
      assert.ok(
        counts().every((count) => count <= 1),
        counts().join(),
      );
      await reset();
    });

    // BerriAI/litellm#38572, #39998: a fallback served keys and models that the caller may not use.
    it('a key of another user serves nobody else, whatever fails', async () => {
      for (const name of ['first', 'second'] as const) routed.providers[name].answer = refuses(500, 'server_error');
      assert.equal((await chat()).answered.status, 500);
      assert.equal(counts()[2], 0);
      routed.forget();
      await chat({ model: `few-${models}` });
      assert.deepEqual(counts(), [1, 0, 0], 'nor a provider that does not serve the model');
      await reset();
    });
  });

  describe('what the next provider gets', () => {
    // BerriAI/litellm#15795, #27462, #9540: fields were lost or changed on the way to the next provider.
    it('is the whole call, under its own name of the model and with its own key', async () => {
      routed.providers.first.answer = refuses(500, 'server_error');
      const call = {
        model: 'gpt-renamed',
        messages: [
          { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png?sig=1' } }] },
        ],
        tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', $defs: { a: {} } } } }],
        metadata: { trace: 'abc' },
        seed: 12345678901234567890n.toString(),
      };
      await chat(call);
      const [[before], [after]] = [routed.providers.first.requests, routed.providers.second.requests];
      assert.deepEqual(before?.body, call);
      assert.deepEqual(after?.body, { ...call, model: 'deployment-2' });
      assert.deepEqual(
        [before?.headers.authorization, after?.headers.authorization],
        ['Bearer sk-first', 'Bearer sk-second'],
      );
      await reset();
    });
  });

  describe('accounts', () => {
    // BerriAI/litellm#8810, #16752: the cost of a call that fell back was null, and nothing said why it did.
    it('have the cost of a call that went on, and why it did', async () => {
      routed.providers.first.answer = refuses(500, 'server_error');
      const { answered } = await chat();
      const { provider, cost_usd, attempts } = await row(answered);
      assert.deepEqual([provider, Number(cost_usd)], ['second', 0.0035]);
      assert.deepEqual(
        [attempts[0].provider, attempts[0].kind, attempts[0].reason],
        ['first', 'provider_error', 'server_error'],
      );
      await reset();
    });
  });

  describe('what counts as a failing provider', () => {
    const isAsked = async () => {
      routed.providers.first.answer = serves;
      routed.forget();
      await chat();
      return counts()[0] === 1;
    };

    // BerriAI/litellm#23091: refusals of wrong calls took healthy deployments out.
    it('wrong calls do not', async () => {
      routed.providers.first.answer = refuses(400, 'invalid_request_error');
      for (let count = 0; count < 5; count += 1) await chat();
      assert.ok(await isAsked());
    });

    // diegosouzapw/OmniRoute#7907: clients that left counted against the provider.
    it('clients that leave do not', async () => {
      for (let count = 0; count < 5; count += 1) {
        const leaving = new AbortController();
        routed.providers.first.answer = async (answered) => {
          leaving.abort();
          // The proxy sees the client leave before the provider breaks off.
          await new Promise((resolve) => setTimeout(resolve, 50));
          answered.destroy();
        };
        await assert.rejects(send({ model, messages: [] }, leaving.signal));
      }
      await until(async () => {
        const text = await (await fetch(`http://127.0.0.1:${routed.proxy.metricsPort}/metrics`)).text();
        return /^chaperone_active_calls\S* 0$/m.test(text);
      }, 'the calls to end');
      assert.ok(await isAsked());
    });

    // BerriAI/litellm#17464: one failure of one call was a rate of 100 %, and took the deployment out.
    it('one failure does not', async () => {
      routed.providers.first.answer = refuses(500, 'server_error');
      await chat();
      assert.ok(await isAsked());
    });

    // Portkey-AI/gateway#1289: calls went to the failing target first, although its circuit was open.
    it('one with an open circuit is not asked first; alone, it is asked all the same', async () => {
      routed.providers.first.answer = refuses(500, 'server_error');
      for (let count = 0; count < 3; count += 1) await chat();
      routed.forget();
      const { answered } = await chat();
      assert.deepEqual([answered.headers.get('x-chaperone-attempts'), ...counts()], ['1', 0, 1, 0]);
      // Continuum-AI-Corp/OrcaRouter-Lite#121: with every target in cooldown, calls were refused without being sent.
      assert.equal((await chat({ model: `few-${models}` })).answered.status, 500);
      assert.equal(counts()[0], 1);
      await reset();
      assert.ok(await isAsked());
    });

    // BerriAI/litellm#40130: of two limits, the first and shorter one stayed in force.
    it('of two limits, the longer one holds, whichever comes first', async () => {
      for (const waits of [
        ['60', '0.01'],
        ['0.01', '60'],
      ]) {
        models += 1;
        model = `gpt-${models}`;
        const arrived = Promise.withResolvers<void>();
        let requests = 0;
        routed.providers.first.answer = async (answered, request) => {
          requests += 1;
          const wait = waits[requests - 1] ?? '0';
          if (requests === 2) arrived.resolve();
          await arrived.promise;
          if (wait === waits[1]) await new Promise((resolve) => setTimeout(resolve, 50));
          return refuses(429, 'rate_limit_exceeded', { 'retry-after': wait })(answered, request);
        };
        await Promise.all([chat(), chat()]);
        await new Promise((resolve) => setTimeout(resolve, 20));
        routed.forget();
        assert.equal((await chat()).provider, 'second', waits.join());
        assert.equal(counts()[0], 0);
      }
    });

    // tashfeenahmed/freellmapi#261: Retry-After was understood as seconds alone, and not as a date.
    it('a limit until a date holds until then', async () => {
      const date = new Date(Date.now() + 60_000).toUTCString();
      routed.providers.first.answer = refuses(429, 'rate_limit_exceeded', { 'retry-after': date });
      await chat();
      assert.equal(await isAsked(), false);
    });
  });
});
