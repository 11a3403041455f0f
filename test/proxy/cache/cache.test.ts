import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { before, beforeEach, describe, it } from 'node:test';
import { recordOf } from '../../recorded-call.ts';
import { suiteScope } from '../../scope.ts';
import { sendJson, sendStream } from '../../scripted-provider.ts';
import { until } from '../../until.ts';
import { answerAnything, type CachedStack, completion, type PostOptions, startCachedStack } from './cached-stack.ts';

const chat = '/chat/completions';
let number = 0;

/** A chat that nobody has made before. */
function newChat(changes: object = {}) {
  number += 1;
  return { model: 'gpt-4o-mini', messages: [{ role: 'user', content: `Question ${number}` }], ...changes };
}

const tool = { type: 'function', function: { name: 'pay', parameters: { type: 'object', properties: {} } } };

/** The cache through the front door: a real operator and PostgreSQL, two proxies, and a provider that counts. */
describe('the cache of answers', () => {
  const scope = suiteScope();
  let stack: CachedStack;

  const sendForm = async (path: string, body: FormData, headers: Readonly<Record<string, string>> = {}) => {
    const answered = await fetch(`${stack.baseUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob', ...headers },
      body,
    });
    return { status: answered.status, headers: answered.headers, text: await answered.text() };
  };

  before(async () => {
    stack = await startCachedStack(scope, { proxies: 2 });
    await stack.state('cache: {}');
  });
  beforeEach(() => {
    stack.provider.answer = answerAnything;
  });

  /** Makes the call twice. @returns what the cache said the second time, after a miss */
  const again = async (path: string, body: object, first: PostOptions = {}, second = first) => {
    const one = await stack.post(path, body, first);
    const other = await stack.post(path, body, second);
    assert.deepEqual([one.status, other.status], [200, 200], one.text + other.text);
    if (other.cache === 'hit') assert.equal(other.text, one.text);
    else assert.notEqual(other.text, one.text);
    return [one.cache, other.cache];
  };
  const recorded = (answered: { headers: Headers }) => recordOf(stack.owner, answered.headers.get('x-request-id'));
  /** Waits until PostgreSQL has as many answers. */
  const stored = (count: number) =>
    until(async () => {
      const { rows } = await stack.owner.query('select count(*)::integer as count from chaperone.cached_answers');
      return rows[0].count === count;
    }, `${count} kept answers`);

  const operations: Readonly<Record<string, readonly [path: string, body: object]>> = {
    chat: [chat, newChat()],
    'a chat that is streamed': [chat, newChat({ stream: true })],
    'a chat that is streamed with usage': [chat, newChat({ stream: true, stream_options: { include_usage: true } })],
    responses: ['/responses', { model: 'gpt-4o-mini', input: 'Hi', store: false }],
    'responses that are streamed': ['/responses', { model: 'gpt-4o-mini', input: 'Hi', store: false, stream: true }],
    messages: ['/messages', { model: 'gpt-4o-mini', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }],
    'messages that are streamed': [
      '/messages',
      { model: 'gpt-4o-mini', max_tokens: 9, stream: true, messages: [{ role: 'user', content: 'Hi' }] },
    ],
    completions: ['/completions', { model: 'gpt-3.5-turbo-instruct', prompt: 'Hi' }],
    embeddings: ['/embeddings', { model: 'text-embedding-3-small', input: 'Hi' }],
    moderations: ['/moderations', { input: 'Hi' }],
    images: ['/images/generations', { model: 'gpt-image-1', prompt: 'Hi' }],
    speech: ['/audio/speech', { model: 'tts-1', input: 'Hi', voice: 'alloy' }],
  };
  for (const [name, [path, body]] of Object.entries(operations)) {
    it(`replays ${name}`, async () => {
      const before = stack.provider.requests.length;
      assert.deepEqual(await again(path, body), ['miss', 'hit']);
      assert.equal(stack.provider.requests.length, before + 1);
    });
    it(`replays ${name} at another proxy`, async () => {
      const fresh = { ...body, ...(path === '/messages' ? { max_tokens: 10 } : { user: 'elsewhere' }) };
      assert.equal((await stack.post(path, fresh)).cache, 'miss');
      const answered = await until(async () => {
        const other = await stack.post(path, fresh, { at: 1, headers: { 'cache-control': 'only-if-cached' } });
        return other.status === 200 && other;
      });
      assert.equal(answered.cache, 'hit');
      assert.equal(answered.text, (await stack.post(path, fresh)).text);
    });
  }

  it('takes bodies for equal that say the same in another order and with other blanks', async () => {
    const { model, messages } = newChat();
    const spaced = `{ "messages": ${JSON.stringify(messages)},\n "model": "${model}" }`;
    const one = await stack.post(chat, { model, messages });
    const other = await fetch(`${stack.baseUrl}${chat}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob', accept: '*/*' },
      body: spaced,
    });
    assert.deepEqual([one.cache, other.headers.get('x-cache')], ['miss', 'hit']);
    assert.equal(other.headers.get('x-chaperone-attempts'), '0');
    assert.match(other.headers.get('age') ?? '', /^\d+$/);
  });

  describe('never takes another call for the same', () => {
    /** What other gateways' keys have left out. */
    const differences: Readonly<Record<string, object>> = {
      'another temperature': { temperature: 0.5 },
      'another seed': { seed: 1 },
      'a seed that differs in its last digit': { seed: 2 },
      'more answers': { n: 2 },
      'a lower bound': { max_tokens: 5 },
      'another bound': { max_completion_tokens: 5 },
      'a stop': { stop: ['x'] },
      'another format': { response_format: { type: 'json_object' } },
      'another tool choice': { tool_choice: 'none' },
      'parallel tools': { parallel_tool_calls: true },
      'a prediction': { prediction: { type: 'content', content: 'x' } },
      'another effort': { reasoning_effort: 'low' },
      'an unknown field': { extra_body: { a: 1 } },
      'another end user': { user: 'somebody' },
      'a stream': { stream: true },
      'another model': { model: 'gpt-4o' },
      instructions: {
        messages: [
          { role: 'system', content: 'Be rude' },
          { role: 'user', content: 'Hi' },
        ],
      },
    };
    for (const [name, difference] of Object.entries(differences)) {
      it(name, async () => {
        const base = newChat();
        assert.equal((await stack.post(chat, base)).cache, 'miss');
        assert.equal((await stack.post(chat, { ...base, ...difference })).cache, 'miss');
      });
    }

    it('a seed of 64 bits that differs in its last digit', async () => {
      const text = JSON.stringify(newChat()).slice(0, -1);
      const ask = async (seed: string) => {
        const answered = await fetch(`${stack.baseUrl}${chat}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' },
          body: `${text},"seed":${seed}}`,
        });
        return answered.headers.get('x-cache');
      };
      assert.equal(await ask('9007199254740993'), 'miss');
      assert.equal(await ask('9007199254740992'), 'miss');
      assert.equal(await ask('9007199254740993'), 'hit');
    });

    it('a schema whose properties have another order', async () => {
      const schema = (properties: object) => ({
        response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object', properties } } },
      });
      const base = newChat();
      await stack.post(chat, { ...base, ...schema({ a: {}, b: {} }) });
      assert.equal((await stack.post(chat, { ...base, ...schema({ b: {}, a: {} }) })).cache, 'miss');
    });

    it('a call of another user', async () => {
      assert.deepEqual(await again(chat, newChat(), { user: 'ann' }, { user: 'eve' }), ['miss', 'miss']);
    });

    it('a call with another header of the provider', async () => {
      const headers = { 'openai-beta': 'assistants=v2' };
      assert.deepEqual(await again(chat, newChat(), {}, { headers }), ['miss', 'miss']);
    });
  });

  describe('is bypassed', () => {
    const bypassing: Readonly<Record<string, readonly [path: string, body: object]>> = {
      'by a response that is stored': ['/responses', { model: 'gpt-4o-mini', input: 'Hi' }],
      'by a chat that is stored': [chat, newChat({ store: true })],
      'by a search': [chat, newChat({ web_search_options: {} })],
      'by a tool that the provider runs': [
        '/responses',
        { model: 'gpt-4o-mini', input: 'Hi', store: false, tools: [{ type: 'web_search' }] },
      ],
      'by a prompt that the provider keeps': [
        '/responses',
        { model: 'gpt-4o-mini', prompt: { id: 'a' }, store: false },
      ],
      'by tools outside of a session': [chat, newChat({ tools: [tool] })],
    };
    for (const [name, [path, body]] of Object.entries(bypassing)) {
      it(name, async () => assert.deepEqual(await again(path, body), ['bypass', 'bypass']));
    }

    it('by a form of pictures', async () => {
      const form = new FormData();
      form.set('model', 'gpt-image-1');
      form.set('prompt', 'A hat');
      form.set('image', new File(['x'], 'a.png'));
      const answered = await sendForm('/images/edits', form);
      assert.deepEqual([answered.status, answered.headers.get('x-cache')], [200, 'bypass']);
    });
  });

  describe('a form of audio', () => {
    const listen = async (
      { file = 'sound', name = 'a.wav', ...fields }: Readonly<Record<string, string>>,
      headers: Readonly<Record<string, string>> = {},
    ) => {
      const form = new FormData();
      const entries = Object.entries({ model: 'whisper-1', ...fields });
      form.set('file', new File([file], name, { type: 'audio/wav' }));
      for (const [field, value] of entries) form.set(field, value);
      const answered = await sendForm('/audio/transcriptions', form, headers);
      assert.equal(answered.status, 200, answered.text);
      return [answered.headers.get('x-cache'), answered.text];
    };
    let answers = 0;
    beforeEach(() => {
      stack.provider.answer = (response) => {
        answers += 1;
        sendJson(response, { text: `Hi ${answers}`, usage: { type: 'duration', seconds: 60 } });
      };
    });

    it('is replayed where its fields and what is in its files are equal, also in another order', async () => {
      const [first, text] = await listen({ language: 'en', prompt: 'one' });
      const again = await listen({ prompt: 'one', language: 'en', name: 'b.wav' });
      assert.deepEqual([first, ...again], ['miss', 'hit', text]);
      for (const other of [{ language: 'de' }, { file: 'silence' }, { name: 'a.mp3' }, { model: 'gpt-4o-transcribe' }])
        assert.equal((await listen({ language: 'en', prompt: 'one', ...other }))[0], 'miss');
      const requests = stack.provider.requests.length;
      await listen({ language: 'en', prompt: 'one' });
      assert.equal(stack.provider.requests.length, requests);
    });

    it('is replayed as text, too, and asked again where the client says so', async () => {
      stack.provider.answer = (response) => {
        answers += 1;
        response.writeHead(200, { 'content-type': 'text/plain' }).end(`Hi ${answers}`);
      };
      const fields = { response_format: 'text', file: 'text' };
      const [, text] = await listen(fields);
      assert.deepEqual(await listen(fields), ['hit', text]);
      assert.equal((await listen(fields, { 'cache-control': 'no-store' }))[0], 'bypass');
      assert.equal((await listen(fields, { 'cache-control': 'no-cache' }))[0], 'miss');
    });

    it('has a record that costs nothing, with what was avoided', async () => {
      const records = async () => {
        const { rows } = await stack.owner.query(
          `select cache_status, cost_usd::float8 as cost, avoided_cost_usd::float8 as avoided, audio_seconds::float8 as seconds
           from chaperone.requests where session_id = 'listening' order by started_at`,
        );
        return rows;
      };
      const session = { 'x-session-id': 'listening' };
      for (const _ of [1, 2]) await listen({ file: 'a minute' }, session);
      const [miss, hit] = await until(async () => {
        const rows = await records();
        return rows.length === 2 && rows;
      });
      assert.deepEqual([miss.cache_status, miss.avoided, miss.seconds], ['miss', null, 60]);
      assert.deepEqual([hit.cache_status, hit.cost, hit.avoided, hit.seconds], ['hit', 0, miss.cost, null]);
    });

    it('is asked for as it comes, where it is too large to be held', async () => {
      const form = new FormData();
      form.set('model', 'whisper-1');
      form.set('file', new File(['x'.repeat(33 * 1024 * 1024)], 'large.wav'));
      const answered = await sendForm('/audio/transcriptions', form);
      assert.deepEqual([answered.status, answered.headers.get('x-cache')], [200, 'bypass']);
    });
  });

  it('replays a call with tools in its own session, and in no other', async () => {
    const body = newChat({ tools: [tool] });
    const inSession = (id: string) => ({ headers: { 'x-session-id': id } });
    const call = { id: 'call_1', type: 'function', function: { name: 'pay', arguments: '{}' } };
    stack.provider.answer = (response) =>
      sendJson(response, completion({ finish: 'tool_calls', message: { content: null, tool_calls: [call] } }));
    assert.deepEqual(await again(chat, body, inSession('one')), ['miss', 'hit']);
    assert.equal((await stack.post(chat, body, inSession('two'))).cache, 'miss');
    assert.equal((await stack.post(chat, body, { ...inSession('one'), user: 'eve' })).cache, 'miss');
  });

  describe('keeps nothing', () => {
    const bad: Readonly<Record<string, readonly [body: object, answer: (response: ServerResponse) => unknown]>> = {
      'that was cut short': [{}, (response) => sendJson(response, completion({ finish: 'length' }))],
      'that was filtered': [{}, (response) => sendJson(response, completion({ finish: 'content_filter' }))],
      'that the model refused': [{}, (response) => sendJson(response, completion({ message: { refusal: 'No' } }))],
      'that failed': [{}, (response) => sendJson(response, { error: { code: 'server_error' } }, 500)],
      'that failed with 200': [{}, (response) => sendJson(response, { error: { code: 'server_error' } })],
      'that broke off': [
        { stream: true },
        (response) =>
          sendStream(response, ['data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'], { end: 'cut' }),
      ],
      'that failed in its stream': [
        { stream: true },
        (response) => sendStream(response, ['data: {"error":{"code":"server_error"}}\n\n']),
      ],
      'that is larger than an entry may be': [
        {},
        (response) => sendJson(response, completion({ content: 'x'.repeat(1_100_000) })),
      ],
    };
    for (const [name, [changes, answer]] of Object.entries(bad)) {
      it(name, async () => {
        const body = newChat(changes);
        stack.provider.answer = answer;
        // A stream that is cut ends in an error.
        const one = await stack.post(chat, body).catch(() => undefined);
        stack.provider.answer = answerAnything;
        const other = await stack.post(chat, body);
        assert.deepEqual([one?.cache ?? 'miss', other.cache, other.status], ['miss', 'miss', 200]);
      });
    }

    it('that a link says', async () => {
      stack.provider.answer = (response) => {
        number += 1;
        sendJson(response, { created: number, data: [{ url: 'https://images.test/1' }] });
      };
      const body = { model: 'dall-e-3', prompt: 'A link' };
      assert.deepEqual(await again('/images/generations', body), ['miss', 'miss']);
    });
  });

  describe('heeds Cache-Control', () => {
    const told = (directives: string) => ({ headers: { 'cache-control': directives } });

    it('no-store neither looks nor keeps', async () => {
      const body = newChat();
      assert.deepEqual(await again(chat, body, told('no-store')), ['bypass', 'bypass']);
      assert.equal((await stack.post(chat, body)).cache, 'miss');
      assert.equal((await stack.post(chat, body, told('no-store'))).cache, 'bypass');
    });

    it('no-cache asks, and keeps the newer answer', async () => {
      const body = newChat();
      await stack.post(chat, body);
      const asked = await stack.post(chat, body, told('no-cache'));
      const later = await stack.post(chat, body);
      assert.deepEqual([asked.cache, later.cache, later.text], ['miss', 'hit', asked.text]);
    });

    it('max-age wants no older answer', async () => {
      const body = newChat();
      assert.deepEqual(await again(chat, body, told('max-age=60')), ['miss', 'hit']);
      assert.equal((await stack.post(chat, body, told('max-age=0'))).cache, 'miss');
    });

    it('only-if-cached asks nobody', async () => {
      const body = newChat();
      const before = stack.provider.requests.length;
      const refused = await stack.post(chat, body, told('only-if-cached'));
      assert.equal(refused.status, 504);
      assert.match(refused.text, /not_cached/);
      assert.equal(stack.provider.requests.length, before);
      await stack.post(chat, body);
      assert.equal((await stack.post(chat, body, told('only-if-cached'))).cache, 'hit');
    });
  });

  it('records a hit without usage and cost, with what was avoided', async () => {
    const body = newChat();
    const miss = await recorded(await stack.post(chat, body));
    const hit = await recorded(await stack.post(chat, body));
    assert.equal(miss.cache_status, 'miss');
    assert.equal(miss.avoided_cost_usd, null);
    assert.ok(Number(miss.cost_usd) > 0);
    const { cache_status, status, cost_usd, avoided_cost_usd, cache_savings_usd, total_tokens, response_id } = hit;
    assert.deepEqual([cache_status, status, response_id], ['hit', 'completed', null]);
    assert.deepEqual([Number(cost_usd), Number(total_tokens)], [0, 0]);
    assert.equal(avoided_cost_usd, miss.cost_usd);
    assert.equal(Number(cache_savings_usd), Number(miss.cost_usd) / 2);
    assert.equal(hit.model, 'gpt-4o-mini');
    const bypass = await recorded(await stack.post(chat, newChat({ store: true })));
    assert.equal(bypass.cache_status, 'bypass');
  });

  it('tells in metrics what it did', async () => {
    const totalOf = async (start: string) =>
      (await stack.metric(start)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    const hits = () =>
      stack
        .metric('chaperone_cache_requests_total')
        .then((lines) =>
          lines.filter((line) => line.includes('result="hit"')).map((line) => Number(line.split(' ')[1])),
        );
    const before = (await hits()).reduce((sum, value) => sum + value, 0);
    const avoided = await totalOf('chaperone_cache_avoided_cost_usd_total');
    const saved = await totalOf('chaperone_cache_savings_usd_total');
    await again(chat, newChat());
    assert.equal(
      (await hits()).reduce((sum, value) => sum + value, 0),
      before + 1,
    );
    const more = (await totalOf('chaperone_cache_avoided_cost_usd_total')) - avoided;
    assert.ok(more > 0);
    assert.ok(Math.abs((await totalOf('chaperone_cache_savings_usd_total')) - saved - more / 2) < 1e-12);
    assert.ok((await totalOf('chaperone_cache_memory_bytes')) > 0);
  });

  it('asks once for equal calls that come at the same time at two proxies', async () => {
    const body = newChat();
    const before = stack.provider.requests.length;
    const held: ServerResponse[] = [];
    stack.provider.answer = (response) => held.push(response);
    const calls = Array.from({ length: 10 }, (_, index) => stack.post(chat, body, { at: index % 2 }));
    await until(() => held.length > 0, 'the provider to be asked');
    // The others are on their way: their proxies have read them when a later call is answered.
    stack.provider.answer = answerAnything;
    await Promise.all([stack.post(chat, newChat()), stack.post(chat, newChat(), { at: 1 })]);
    sendJson(held[0] ?? assert.fail(), completion());
    const answers = await Promise.all(calls);
    assert.equal(held.length, 1);
    assert.equal(stack.provider.requests.length, before + 3);
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    assert.equal(answers.filter(({ cache }) => cache === 'hit').length, 9);
  });

  it('lets all ask that wait for an answer that fails', async () => {
    const body = newChat();
    const held: ServerResponse[] = [];
    stack.provider.answer = (response) => held.push(response);
    const calls = [stack.post(chat, body), stack.post(chat, body), stack.post(chat, body)];
    await until(() => held.length === 1, 'the first to be asked');
    stack.provider.answer = answerAnything;
    await stack.post(chat, newChat());
    sendJson(held[0] ?? assert.fail(), { error: { code: 'server_error' } }, 500);
    const statuses = (await Promise.all(calls)).map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, 200, 500]);
  });

  it('asks nobody for a client that left while it waited', async () => {
    const body = JSON.stringify(newChat());
    const held: ServerResponse[] = [];
    stack.provider.answer = (response) => held.push(response);
    const first = stack.post(chat, JSON.parse(body));
    await until(() => held.length === 1, 'the provider to be asked');
    const refusals = async () =>
      (await stack.metric('chaperone_refused_calls_total')).filter((line) => line.includes('upstream_interrupted'));
    const before = await refusals();
    const waiting = connect(stack.proxy.port, '127.0.0.1');
    await once(waiting, 'connect');
    waiting.write(
      `POST /v1${chat} HTTP/1.1\r\nhost: a\r\naccept: */*\r\nauthorization: Bearer ${stack.token}\r\nx-user-id: bob\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    stack.provider.answer = answerAnything;
    await stack.post(chat, newChat());
    waiting.destroy();
    await until(async () => (await refusals()).join() !== before.join(), 'the waiting call to end');
    sendJson(held[0] ?? assert.fail(), completion());
    await first;
    assert.equal(held.length, 1);
  });

  it('replays a stream in the pieces in which it came', async () => {
    const body = newChat({ stream: true });
    const pieces = async () => {
      const answered = await fetch(`${stack.baseUrl}${chat}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' },
        body: JSON.stringify(body),
      });
      const chunks: string[] = [];
      for await (const chunk of answered.body ?? []) chunks.push(Buffer.from(chunk).toString());
      return { cache: answered.headers.get('x-cache'), type: answered.headers.get('content-type'), chunks };
    };
    const live = await pieces();
    const replayed = await pieces();
    assert.deepEqual([live.cache, replayed.cache], ['miss', 'hit']);
    assert.equal(replayed.type, live.type);
    assert.equal(replayed.chunks.join(''), live.chunks.join(''));
    assert.match(replayed.chunks.join(''), /reasoning_content/);
    // The usage that only the proxy asked for is removed from both.
    assert.doesNotMatch(replayed.chunks.join(''), /usage/);
    // The whole answer is there at once, and still each event is a piece of its own.
    assert.ok(replayed.chunks.length > 1);
  });

  it('forgets all answers when somebody is erased', async () => {
    const body = newChat();
    const told = { user: 'gone', headers: { 'cache-control': 'only-if-cached' } };
    assert.deepEqual(await again(chat, body, { user: 'gone' }), ['miss', 'hit']);
    await until(async () => (await stack.post(chat, body, { ...told, at: 1 })).status === 200, 'the answer to be kept');
    const rows = await until(async () => {
      const found = await stack.owner.query(`select user_id from chaperone.users where external_id = 'gone'`);
      return found.rows.length > 0 && found.rows;
    });
    const erased = await stack.post(`/users/${rows[0].user_id}/erase`, {});
    assert.equal(erased.status, 200, erased.text);
    await stored(0);
    await until(async () => (await stack.post(chat, body, { user: 'other' })).cache === 'miss');
    assert.equal((await stack.post(chat, body, told)).status, 504);
  });
});
