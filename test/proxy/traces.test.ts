import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import { suiteScope } from '../scope.ts';
import { sendJson } from '../scripted-provider.ts';
import { type ReceivedSpan, type SpanReceiver, startSpanReceiver } from '../traces/receiver.ts';
import { until } from '../until.ts';
import { type Routed, startRouted } from './routing/providers.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const callerSpan = 'b7ad6b7169203331';
const recorded = `00-${traceId}-${callerSpan}-01`;
const unrecorded = `00-${traceId}-${callerSpan}-00`;
const server = 2;
const client = 3;

const completion = (content: string) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12, prompt_tokens_details: { cached_tokens: 4 } },
});

describe('traces of calls', () => {
  const scope = suiteScope();
  let receiver: SpanReceiver;
  let stack: Routed<'first' | 'second'>;

  before(async () => {
    receiver = await startSpanReceiver(scope);
    stack = await startRouted(scope, {
      providers: {
        first: { priority: 0, models: [{ name: 'gpt-*' }] },
        second: { priority: 1, propagateTraceContext: true },
      },
      spec: {
        traces: { endpoint: receiver.url, samplingPercentage: 0 },
        guardrails: [
          { name: 'no-cards', action: 'Block', appliesTo: 'Input', words: { words: ['forbidden'] } },
          { name: 'mail', action: 'Redact', pii: { kinds: ['email'] } },
        ],
        limits: [{ name: 'tight', match: { models: ['gpt-tight'] }, requests: { count: 1, window: '1h' } }],
      },
    });
  });
  beforeEach(() => {
    receiver.spans.length = 0;
    stack.forget();
    stack.providers.first.answer = (response) => sendJson(response, completion('Good morning'));
    stack.providers.second.answer = (response) => sendJson(response, completion('Good evening'));
  });

  const call = async (body: object, headers: Record<string, string> = { traceparent: recorded }) => {
    const response = await fetch(`${stack.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob', ...headers },
      body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }], ...body }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  /** The spans of the next recorded call, its root first. */
  const nextTrace = async (): Promise<[ReceivedSpan, ...ReceivedSpan[]]> => {
    const root = await until(() => receiver.spans.find(({ kind }) => kind === server), 'the span of a call');
    return [root, ...receiver.spans.filter((span) => span !== root)];
  };

  it('has a span of the call, with admission, guardrails and the request to the provider below it', async () => {
    const { headers } = await call({ temperature: 1, max_tokens: 20, seed: 7 });
    const [root, ...children] = await nextTrace();
    assert.equal(root.name, 'chat gpt-4o');
    assert.deepEqual([root.traceId, root.parentSpanId], [traceId, callerSpan]);
    const { 'chaperone.cost_usd': cost, 'enduser.pseudo.id': user, 'session.id': session, ...known } = root.attributes;
    assert.ok(Number(cost) > 0 && String(user).length === 36 && String(session).startsWith('sess_'));
    assert.deepEqual(omit(known, ['gen_ai.conversation.id']), {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'first',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.request.max_tokens': 20,
      'gen_ai.request.temperature': 1,
      'gen_ai.request.seed': 7,
      'gen_ai.response.id': 'chatcmpl-1',
      'gen_ai.response.model': 'gpt-4o-2024-08-06',
      'gen_ai.usage.input_tokens': 9,
      'gen_ai.usage.output_tokens': 3,
      'gen_ai.usage.cache_read.input_tokens': 4,
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'chaperone.operation': 'chat',
      'chaperone.kind': 'call',
      'chaperone.status': 'completed',
      'chaperone.provider': 'first',
      'chaperone.request_id': headers.get('x-request-id'),
    });
    assert.equal(root.resource['service.name'], 'chaperone');
    assert.equal(root.resource['chaperone.organization'], 'acme');
    assert.deepEqual(children.map(({ name }) => name).sort(), ['POST /chat/completions', 'admission', 'guardrails']);
    for (const child of children) {
      assert.deepEqual([child.traceId, child.parentSpanId], [traceId, root.spanId]);
      assert.ok(child.startNano >= root.startNano && child.endNano <= root.endNano, child.name);
    }
    const attempt = children.find(({ kind }) => kind === client);
    const port = Number(new URL(stack.providers.first.url).port);
    assert.deepEqual(omit(attempt?.attributes ?? {}, ['chaperone.api_key_id']), {
      'gen_ai.provider.name': 'first',
      'gen_ai.request.model': 'gpt-4o',
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'server.address': '127.0.0.1',
      'server.port': port,
      'url.path': '/v1/chat/completions',
      'chaperone.provider': 'first',
    });
  });

  it('has a span of each attempt, and hands the trace on only to a provider that is to have it', async () => {
    stack.providers.first.answer = (response) => sendJson(response, { error: { message: 'no' } }, 503);
    const { text } = await call({}, { traceparent: recorded, tracestate: 'vendor=1' });
    assert.match(text, /Good evening/);
    const [root, ...children] = await nextTrace();
    assert.equal(root.traceState, 'vendor=1');
    assert.equal(root.attributes['chaperone.attempts'], 2);
    assert.equal(root.attributes['chaperone.provider'], 'second');
    const [failed, answered] = children.filter(({ kind }) => kind === client);
    assert.deepEqual(failed?.status, { code: 2, message: 'provider_error' });
    assert.equal(failed?.attributes['http.response.status_code'], 503);
    assert.equal(answered?.attributes['http.request.resend_count'], 1);
    assert.deepEqual(answered?.status, {});
    const [atFirst] = stack.providers.first.requests;
    const [atSecond] = stack.providers.second.requests;
    assert.deepEqual([atFirst?.headers.traceparent, atFirst?.headers.tracestate], [undefined, undefined]);
    assert.equal(atSecond?.headers.traceparent, `00-${traceId}-${answered?.spanId}-01`);
    assert.equal(atSecond?.headers.tracestate, 'vendor=1');
  });

  it('follows the caller who does not record, and hands on what that caller sent', async () => {
    await call({}, { traceparent: unrecorded });
    await call({ model: 'other' }, { traceparent: unrecorded });
    await call({}, {});
    await call({ temperature: 0.5 });
    const [root] = await nextTrace();
    assert.equal(root.attributes['gen_ai.request.temperature'], 0.5);
    assert.equal(receiver.spans.filter(({ kind }) => kind === server).length, 1);
    assert.equal(stack.providers.second.requests[0]?.headers.traceparent, unrecorded);
  });

  it('tells how a stream went', async () => {
    stack.providers.first.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        `data: ${JSON.stringify({ id: 'c', model: 'gpt-4o', choices: [{ delta: { content: 'Hi' } }] })}\n\n`,
      );
      response.write(`data: ${JSON.stringify({ id: 'c', choices: [{ delta: {}, finish_reason: 'stop' }] })}\n\n`);
      response.end('data: [DONE]\n\n');
    };
    await call({ stream: true });
    const [root] = await nextTrace();
    assert.equal(root.attributes['gen_ai.request.stream'], true);
    assert.equal(typeof root.attributes['gen_ai.response.time_to_first_chunk'], 'number');
  });

  const refusals = [
    ['of a guardrail', { messages: [{ role: 'user', content: 'forbidden' }] }, 400, 'guardrail_blocked', 'chat'],
    ['of a body that is wrong', { messages: undefined }, 400, 'invalid_request', 'chat'],
  ] as const;
  for (const [what, body, status, code, name] of refusals) {
    it(`tells of a refusal ${what}, which is no failure of the server`, async () => {
      assert.equal((await call(body)).status, status);
      const [root, ...children] = await nextTrace();
      assert.equal(root.name, name);
      assert.equal(root.attributes['error.type'], code);
      assert.equal(root.attributes['http.response.status_code'], status);
      assert.deepEqual(root.status, {});
      assert.ok(children.every(({ kind }) => kind !== client));
    });
  }

  it('tells of a limit which model it refused', async () => {
    await call({ model: 'gpt-tight' }, {});
    assert.equal((await call({ model: 'gpt-tight' })).status, 429);
    const [root] = await nextTrace();
    assert.equal(root.name, 'chat gpt-tight');
    assert.equal(root.attributes['error.type'], 'limit_reached');
  });

  it('tells of a provider that fails', async () => {
    for (const provider of Object.values(stack.providers)) {
      provider.answer = (response) => sendJson(response, { error: { message: 'no', code: 'broken' } }, 500);
    }
    assert.equal((await call({})).status, 500);
    const [root] = await nextTrace();
    assert.equal(root.status.code, 2);
    assert.equal(root.attributes['chaperone.status'], 'failed');
    assert.equal(root.attributes['http.response.status_code'], 500);
  });

  it('has nothing of what was said', async () => {
    await call({ messages: [{ role: 'user', content: 'a secret plan' }] });
    await nextTrace();
    const texts = receiver.deliveries.map(({ text }) => text).join();
    assert.doesNotMatch(texts, /secret plan|Good morning|bob|forbidden/);
  });

  it('has what was said where that is asked for, as guardrails have left it', async () => {
    await stack.edit({ traces: { endpoint: receiver.url, contents: 'Full' } });
    stack.providers.first.answer = (response) => sendJson(response, completion('Write to eve@example.com'));
    await until(async () => {
      await call({
        messages: [
          { role: 'system', content: 'Be kind' },
          { role: 'user', content: 'I am ada@example.com' },
        ],
      });
      return receiver.spans.some(({ attributes }) => attributes['gen_ai.input.messages'] !== undefined);
    }, 'contents in a span');
    const { attributes } = receiver.spans.find((span) => span.attributes['gen_ai.input.messages'] !== undefined) ?? {};
    const input = JSON.parse(String(attributes?.['gen_ai.input.messages']));
    const output = JSON.parse(String(attributes?.['gen_ai.output.messages']));
    assert.match(input[0].parts[0].content, /^I am (?!ada@)/);
    assert.deepEqual([input.length, input[0].role, output.length, output[0].role], [1, 'user', 1, 'assistant']);
    assert.match(output[0].parts[0].content, /^Write to (?!eve@)/);
    assert.doesNotMatch(receiver.deliveries.map(({ text }) => text).join(), /ada@|eve@|Be kind/);
  });

  it('goes elsewhere, and ends, without a restart', async () => {
    const other = await startSpanReceiver(scope);
    await stack.edit({ traces: { endpoint: `${other.url}/otlp` } });
    await until(async () => {
      await call({});
      return other.spans.length > 0;
    }, 'a span at the other receiver');
    assert.equal(other.deliveries[0]?.path, '/otlp/v1/traces');
    await stack.edit({ traces: undefined });
    await until(async () => {
      const before = other.deliveries.length;
      await call({});
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      return other.deliveries.length === before;
    }, 'no more spans');
  });
});

function omit(attributes: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}
