import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { before, beforeEach, describe, it } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import OpenAI, { toFile } from 'openai';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { makeOpenAI } from '../openai.ts';
import { recordOf } from '../recorded-call.ts';
import { suiteScope } from '../scope.ts';
import { type ScriptedProvider, sendJson, sendStream, startScriptedProvider } from '../scripted-provider.ts';
import { type Stack, startStack } from '../stack.ts';

import { allowEveryModel } from './allow-every-model.ts';

const usage = { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 };

function chunk(fields: object): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'gpt-4o', ...fields })}\n\n`;
}
const delta = (content: string, index = 0) => chunk({ choices: [{ index, delta: { content }, finish_reason: null }] });
const finish = (index = 0) => chunk({ choices: [{ index, delta: {}, finish_reason: 'stop' }] });
const told = chunk({ choices: [], usage });
const done = 'data: [DONE]\n\n';

const response = {
  id: 'resp_1',
  object: 'response',
  status: 'completed',
  model: 'gpt-4o',
  output: [],
  usage: { input_tokens: 11, output_tokens: 3, total_tokens: 14 },
};
const created = `event: response.created\ndata: ${JSON.stringify({ type: 'response.created', response: { ...response, status: 'in_progress', usage: null } })}\n\n`;
const completed = `event: response.completed\ndata: ${JSON.stringify({ type: 'response.completed', response })}`;
const text = (delta: string) =>
  `event: response.output_text.delta\ndata: ${JSON.stringify({ type: 'response.output_text.delta', delta })}\n\n`;

const image = (type: string) => `event: ${type}\ndata: ${JSON.stringify({ type, b64_json: 'a'.repeat(40) })}\n\n`;

/** What reading a stream to its end raises, with what caused it: name, message and code of each. */
async function raisedBy(starting: PromiseLike<AsyncIterable<unknown>>): Promise<readonly unknown[]> {
  const stream = await starting;
  const told: unknown[] = [];
  try {
    for await (const event of stream) told.push(JSON.stringify(event));
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      told.push(cause.constructor.name, cause.message, 'code' in cause ? cause.code : undefined);
    }
  }
  return told;
}

/** Providers that are compatible, each in its own way: the SDK works as it does without us, and everything is counted. */
describe('a provider with unusual answers', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  let client: OpenAI;
  let database: Client;

  before(async () => {
    provider = await startScriptedProvider(scope);
    stack = await startStack(scope, { upstreamUrl: provider.url });
    client = makeOpenAI(stack);
    database = await connect(scope, stack.database.url);
    await allowEveryModel(stack);
  });
  beforeEach(() => {
    provider.requests.length = 0;
  });

  const recordBy = (headers: Headers | IncomingMessage['headers']) => {
    const id = headers instanceof Headers ? headers.get('x-request-id') : headers['x-request-id'];
    return recordOf(database, String(id));
  };
  const unpricedCalls = async (model: string) => {
    const metrics = await (await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`)).text();
    const lines = metrics.split('\n').filter((line) => line.startsWith('chaperone_unpriced_calls_total{'));
    return lines
      .filter((line) => line.includes(`"${model}"`))
      .reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
  };
  const post = (path: string, body: object) =>
    fetch(`${stack.baseUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' },
      body: JSON.stringify(body),
    });
  const assertRecord = async (
    headers: Headers,
    status: string,
    total: number | null,
    errorCode: string | null = null,
  ) => {
    const record = await recordBy(headers);
    assert.deepEqual(
      [record.status, record.error_code, record.total_tokens === null ? null : Number(record.total_tokens)],
      [status, errorCode, total],
    );
    return record;
  };
  const chat = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'Hi' }], stream: true as const };
  const hi = { model: 'gpt-4o', input: 'Hi', stream: true as const };
  const collect = async (stream: AsyncIterable<OpenAI.ChatCompletionChunk>) => {
    let said = '';
    for await (const part of stream) said += part.choices[0]?.delta.content ?? '';
    return said;
  };

  describe('that refuses stream_options', () => {
    const refusals: readonly (readonly [string, number, object])[] = [
      ['by 400', 400, { error: { message: 'Unrecognized request argument supplied: stream_options', param: null } }],
      ['by 400 without a word', 400, { error: { message: 'Bad request' } }],
      ['by 422', 422, { detail: [{ loc: ['body', 'stream_options'], msg: 'Extra inputs are not permitted' }] }],
      ['by 500', 500, { error: { message: "unexpected keyword argument 'stream_options'" } }],
      ['by an error inside a 200', 200, { error: { message: 'stream_options is unknown' } }],
    ];
    for (const [index, [how, status, error]] of refusals.entries()) {
      it(`${how}, is asked again without it, and afterwards at once without it`, async () => {
        provider.answer = (answer, { body }) =>
          body.stream_options ? sendJson(answer, error, status) : sendStream(answer, [delta('Hello'), finish(), done]);
        const body = { ...chat, model: `refuses-${index}` };
        const { data, response: answered } = await client.chat.completions.create(body).withResponse();
        assert.equal(await collect(data), 'Hello');
        await assertRecord(answered.headers, 'completed', null);
        assert.deepEqual(
          provider.requests.map((asked) => 'stream_options' in asked.body),
          [true, false],
        );
        assert.equal(await collect(await client.chat.completions.create(body)), 'Hello');
        assert.equal(provider.requests.length, 3, 'it is remembered');
        const completion = { model: body.model, prompt: 'Hi', stream: true as const };
        for await (const _ of await client.completions.create(completion));
        assert.equal(provider.requests.length, 4, 'for completions, too');
      });
    }

    it('is not asked again where the client itself asked for it, nor after another refusal', async () => {
      const refusal = { error: { message: 'stream_options?', type: 'invalid_request_error', param: 'stream_options' } };
      provider.answer = (answer) => sendJson(answer, refusal, 400);
      const asked = { ...chat, model: 'refuses-always', stream_options: { include_usage: true } };
      await assert.rejects(client.chat.completions.create(asked), { status: 400, param: 'stream_options' });
      assert.equal(provider.requests.length, 1);
      provider.answer = (answer) => sendJson(answer, { error: { message: 'Too long', param: 'messages' } }, 400);
      await assert.rejects(client.chat.completions.create({ ...chat, model: 'too-long' }), { param: 'messages' });
      assert.equal(provider.requests.length, 2);
    });

    it("gives the same answer as to the client's own call", async () => {
      provider.answer = (answer, { body }) =>
        sendJson(
          answer,
          { error: { message: body.stream_options ? 'Bad' : 'Worse' } },
          body.stream_options ? 400 : 429,
        );
      const answered = await post('/chat/completions', { ...chat, model: 'refuses-twice' });
      assert.deepEqual([answered.status, await answered.json()], [429, { error: { message: 'Worse' } }]);
      assert.equal((await recordBy(answered.headers)).http_status, 429);
    });

    it('is counted as unpriced, never as free', async () => {
      provider.answer = (answer, { body }) =>
        body.stream_options ? sendJson(answer, {}, 400) : sendStream(answer, [delta('Hello'), finish(), done]);
      const { response: answered } = await client.chat.completions.create(chat).withResponse();
      assert.equal((await recordBy(answered.headers)).cost_usd, null);
      assert.ok((await unpricedCalls('gpt-4o')) > 0);
    });
  });

  const ends: readonly (readonly [string, string, object, readonly string[]])[] = [
    ['a response without the blank line', '/responses', hi, [created, `${completed}\n`]],
    ['a response without any line end', '/responses', hi, [created, completed]],
    ['[DONE] without the blank line', '/chat/completions', chat, [delta('a'), told, 'data: [DONE]\n']],
    ['[DONE] without any line end', '/chat/completions', chat, [delta('a'), told, 'data: [DONE]']],
    ['[DONE] with a blank behind it', '/chat/completions', chat, [delta('a'), told, 'data: [DONE] \n\n']],
    ['every finish_reason and a clean end', '/chat/completions', chat, [delta('a'), finish(), told]],
    [
      'every finish_reason and a clean end in mid-event',
      '/chat/completions',
      chat,
      [delta('a'), finish(), told.trim()],
    ],
    [
      'every finish_reason of two choices',
      '/chat/completions',
      { ...chat, n: 2 },
      [delta('a'), delta('b', 1), finish(1), finish(), told],
    ],
  ];
  for (const [what, path, body, chunks] of ends) {
    it(`ends a stream by ${what}`, async () => {
      const asked = path === '/responses' ? body : { ...body, stream_options: { include_usage: true } };
      provider.answer = (answer) => sendStream(answer, chunks);
      const answered = await post(path, asked);
      assert.equal(await answered.text(), chunks.join(''), 'its bytes are unchanged');
      await assertRecord(answered.headers, 'completed', 14);
    });
  }

  const breaks: readonly (readonly [string, string, object, readonly string[]])[] = [
    ['a response', '/responses', hi, [created, text('a')]],
    ['a chat', '/chat/completions', chat, [delta('a'), told]],
    ['one of two choices', '/chat/completions', { ...chat, n: 2 }, [delta('a'), finish()]],
    ['half an event', '/chat/completions', chat, [delta('a'), 'data: {"choices":[{"ind']],
  ];
  for (const [what, path, body, chunks] of breaks) {
    it(`breaks off by a clean end after ${what}`, async () => {
      provider.answer = (answer) => sendStream(answer, chunks);
      const answered = await post(path, body);
      const reader = answered.body?.getReader();
      let seen = '';
      await assert.rejects(async () => {
        for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
          seen += Buffer.from(part.value).toString();
        }
      });
      assert.ok(
        seen.endsWith(
          ': upstream_interrupted: Error processing request: the answer of the provider was cut off; try again\n\n',
        ),
        seen,
      );
      assert.ok(chunks.join('').startsWith(seen.slice(0, seen.lastIndexOf(': upstream_interrupted'))), 'whole events');
      assert.match((await recordBy(answered.headers)).error_code, /upstream_interrupted/);
    });
  }

  const streams: readonly (readonly [string, (sdk: OpenAI) => PromiseLike<AsyncIterable<unknown>>, string, string])[] =
    [
      ['a response', (sdk) => sdk.responses.create(hi), created, text('b')],
      ['a chat', (sdk) => sdk.chat.completions.create(chat), delta('a'), delta('b')],
      ['a completion', (sdk) => sdk.completions.create({ ...hi, prompt: 'Hi' }), chunk({ choices: [] }), delta('b')],
      [
        'an image',
        (sdk) => sdk.images.generate({ ...hi, prompt: 'Hi' }),
        image('image_generation.partial_image'),
        image('b'),
      ],
    ];
  const cuts: readonly (readonly [string, (first: string, second: string) => readonly string[]])[] = [
    ['before its first event', () => []],
    ['behind an event', (first, second) => [first, second]],
    ['within an event', (first, second) => [first, second.slice(0, 30)]],
  ];
  for (const [what, start, first, second] of streams) {
    for (const [where, chunksOf] of cuts) {
      it(`cut ${where}, has the SDK raise for ${what} what it raises without us`, async () => {
        provider.answer = (answer) => sendStream(answer, chunksOf(first, second), { end: 'cut' });
        const straight = new OpenAI({ baseURL: provider.url, apiKey: 'sk', maxRetries: 0 });
        const raised = await raisedBy(start(straight));
        assert.equal(raised.at(-1), 'UND_ERR_SOCKET', 'an error of the transport');
        assert.deepEqual(await raisedBy(start(client)), raised);
      });
    }
  }

  const cutByHttp10: readonly (readonly [string, object, (answer: ServerResponse) => unknown, RegExp])[] = [
    ['a stream', chat, (answer) => sendStream(answer, [delta('a')], { end: 'cut' }), /"content":"a"/],
    [
      'a whole answer that has begun with blanks',
      { ...chat, stream: false },
      (answer) =>
        answer
          .writeHead(200, { 'content-type': 'application/json' })
          .write('   ', () => setTimeout(() => answer.destroy(), 5)),
      /application\/json/,
    ],
  ];
  for (const [what, body, answerWith, begun] of cutByHttp10) {
    it(`cut while it is read by HTTP/1.0, where messages end with their connection, resets the connection of ${what}`, async () => {
      provider.answer = answerWith;
      const text = JSON.stringify(body);
      const head = [
        'POST /v1/chat/completions HTTP/1.0',
        `authorization: Bearer ${stack.token}`,
        'x-user-id: bob',
        `content-length: ${text.length}`,
      ];
      const socket = connectSocket(Number(new URL(stack.baseUrl).port), '127.0.0.1');
      socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
      let seen = '';
      const read = async () => {
        for await (const piece of socket) seen += piece;
      };
      await assert.rejects(read, { code: 'ECONNRESET' });
      assert.match(seen, begun);
    });
  }

  it('cut within an event that is very large, is cut and nothing more', async () => {
    const event = `event: response.x\ndata: {"type":"response.x","x":"${'x'.repeat(2 * 1024 * 1024)}`;
    provider.answer = (answer, { method }) => {
      // It has kept nothing of it.
      if (method === 'GET') return answer.writeHead(404).end();
      answer.writeHead(200, { 'content-type': 'text/event-stream' });
      answer.write(created);
      return answer.write(event, () => answer.destroy());
    };
    const answered = await post('/responses', hi);
    let seen = '';
    await assert.rejects(async () => {
      for await (const piece of answered.body ?? []) seen += Buffer.from(piece).toString();
    });
    assert.ok((created + event).startsWith(seen) && seen.length > 1024 * 1024, `${seen.length}`);
    await assertRecord(answered.headers, 'failed', null, 'upstream_interrupted');
  });

  const codings: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
  ];
  for (const [coding, pack] of codings) {
    it(`answers in ${coding} though it was asked not to (${pack.name})`, async () => {
      const headers = { 'content-encoding': coding };
      provider.answer = (answer) => {
        const bytes = pack(Buffer.from(JSON.stringify(response)));
        answer.writeHead(200, { ...headers, 'content-type': 'application/json' }).end(bytes);
      };
      const whole = await post('/responses', { ...hi, stream: false });
      assert.deepEqual([whole.headers.get('content-encoding'), await whole.json()], [null, response]);
      await assertRecord(whole.headers, 'completed', 14);

      const events = `${created}${text('a'.repeat(10_000))}${completed}\n\n`;
      const packed = pack(Buffer.from(events));
      const pieces = [packed.subarray(0, 20), packed.subarray(20, 21), packed.subarray(21)];
      provider.answer = (answer) => sendStream(answer, pieces, { headers });
      const streamed = await post('/responses', hi);
      assert.equal(await streamed.text(), events);
      await assertRecord(streamed.headers, 'completed', 14);

      provider.answer = (answer) =>
        sendStream(answer, [packed.subarray(0, packed.length / 2)], { headers, end: 'clean' });
      const cut = await post('/responses', hi);
      await assert.rejects(cut.text());
      await assertRecord(cut.headers, 'failed', null, 'upstream_interrupted');

      provider.answer = (answer) => {
        const bytes = pack(Buffer.from('{"error":{"message":"Slow down"}}'));
        answer.writeHead(429, { ...headers, 'content-type': 'application/json' }).end(bytes);
      };
      const refused = await post('/responses', hi);
      assert.deepEqual([refused.status, await refused.json()], [429, { error: { message: 'Slow down' } }]);

      provider.answer = (answer) => {
        answer.writeHead(200, { ...headers, 'content-type': 'application/json' }).end('this was never packed');
      };
      const nonsense = await post('/responses', { ...hi, stream: false });
      assert.equal(nonsense.status, 502);
      const { error } = (await nonsense.json()) as { error: { code: string } };
      assert.ok(['upstream_invalid_response', 'upstream_interrupted'].includes(error.code), error.code);
    });
  }

  for (const type of ['text/plain', '']) {
    it(`sends a stream with ${type === '' ? 'no content type' : `the content type ${type}`}, which the SDK accepts`, async () => {
      provider.answer = (answer) => {
        if (type !== '') answer.setHeader('content-type', type);
        answer.end(delta('Hello') + finish() + told + done);
      };
      const { data, response: answered } = await client.chat.completions.create(chat).withResponse();
      assert.equal(await collect(data), 'Hello');
      await assertRecord(answered.headers, 'completed', 14);
    });
  }

  it('compresses a stream, and each delta is still passed on at once', async () => {
    const { createGzip, constants } = await import('node:zlib');
    const goOn = Promise.withResolvers<void>();
    provider.answer = async (answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(answer);
      gzip.write(delta('first'));
      gzip.flush(constants.Z_SYNC_FLUSH);
      await goOn.promise;
      gzip.end(finish() + done);
    };
    const stream = (await client.chat.completions.create(chat))[Symbol.asyncIterator]();
    assert.equal((await stream.next()).value?.choices[0]?.delta.content, 'first');
    goOn.resolve();
    while (!(await stream.next()).done);
  });

  it('names an unknown encoding, and its bytes pass unchanged', async () => {
    provider.answer = (answer) =>
      answer
        .writeHead(200, { 'content-encoding': 'utf-8', 'content-type': 'application/json' })
        .end(JSON.stringify(response));
    assert.equal((await post('/responses', { ...hi, stream: false })).status, 200);
  });

  describe('that transcribes in chunks of chat completions', () => {
    const said = (content: string, finish_reason: string | null = null) =>
      `data: ${JSON.stringify({ id: 'trsc-1', object: 'transcription.chunk', model: 'whisper', choices: [{ delta: { content }, finish_reason }] })}\n\n`;
    const toldOf = `data: ${JSON.stringify({ object: 'transcription.chunk', choices: [], usage })}\n\n`;
    const transcribe = async () => {
      const file = await toFile(Buffer.alloc(100), 'a.wav');
      return client.audio.transcriptions.create({ model: 'whisper-large', file, stream: true }).withResponse();
    };

    it('is counted', async () => {
      provider.answer = (answer) => sendStream(answer, [said('Hel'), said('lo', 'stop'), toldOf, done]);
      const { data, response: answered } = await transcribe();
      const events: unknown[] = [];
      for await (const event of data) events.push(event);
      assert.equal(events.length, 3);
      const record = await assertRecord(answered.headers, 'completed', 14);
      assert.ok(record.time_to_first_token_ms !== null);
    });

    it('is a failure where it is cut', async () => {
      provider.answer = (answer) => sendStream(answer, [said('Hel')], { end: 'cut' });
      const { data, response: answered } = await transcribe();
      const read = async () => {
        for await (const _ of data);
      };
      await assert.rejects(
        read,
        ({ cause }: Error) => cause instanceof Error && 'code' in cause && cause.code === 'UND_ERR_SOCKET',
      );
      await assertRecord(answered.headers, 'failed', null, 'upstream_interrupted');
    });
  });

  describe('that sends blanks before its JSON', () => {
    const begin = async (answerWith: string) => {
      const goOn = Promise.withResolvers<void>();
      provider.answer = async (answer) => {
        answer.writeHead(200, { 'content-type': 'application/json' });
        answer.write('  \n');
        await goOn.promise;
        answer.end(` \n${answerWith}`);
      };
      const url = new URL(`${stack.baseUrl}/responses`);
      const headers = { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' };
      const sent = request(url, { method: 'POST', headers });
      sent.end(JSON.stringify({ ...hi, stream: false }));
      const [answered] = (await once(sent, 'response')) as [IncomingMessage];
      const [first] = (await once(answered, 'data')) as [Buffer];
      assert.equal(first.toString(), '  \n', 'they come as they are sent');
      goOn.resolve();
      return answered;
    };

    it('has them passed on as they come, and its answer as usual', async () => {
      const answered = await begin(JSON.stringify(response));
      const [rest] = (await once(answered, 'data')) as [Buffer];
      assert.deepEqual(JSON.parse(rest.toString()), response);
      const record = await recordBy(answered.headers);
      assert.deepEqual([record.status, Number(record.total_tokens)], ['completed', 14]);
    });

    it('is cut where no answer follows', async () => {
      const answered = await begin('nonsense');
      await assert.rejects(once(answered, 'end'));
      assert.equal((await recordBy(answered.headers)).error_code, 'upstream_invalid_response');
    });
  });

  describe('that quotes its key', () => {
    const key = 'sk-sandbox-shared';
    const event = `data: ${JSON.stringify({ error: { message: `Bad key ${key}`, code: key } })}\n\n`;
    const attacks: readonly (readonly [string, string, object, () => void])[] = [
      [
        'in an event of a stream',
        '/chat/completions',
        chat,
        () => {
          provider.answer = (answer) => sendStream(answer, [delta(key), event, done]);
        },
      ],
      [
        'in two chunks of a stream',
        '/chat/completions',
        { ...chat, stream_options: { include_usage: true } },
        () => {
          provider.answer = (answer) =>
            sendStream(answer, [event.slice(0, event.indexOf(key) + 5), event.slice(event.indexOf(key) + 5), done]);
        },
      ],
      [
        'in an error inside a 200',
        '/responses',
        { ...hi, stream: false },
        () => {
          provider.answer = (answer) => sendJson(answer, { ...response, status: 'failed', error: { code: key } });
        },
      ],
      [
        'in a header',
        '/responses',
        { ...hi, stream: false },
        () => {
          provider.answer = (answer) =>
            answer
              .writeHead(200, { 'content-type': 'application/json', 'x-debug': `Bearer ${key}` })
              .end(JSON.stringify(response));
        },
      ],
      [
        'in two chunks of audio',
        '/audio/speech',
        { model: 'tts-1', input: 'Hi', voice: 'alloy' },
        () => {
          provider.answer = async (answer) => {
            answer.writeHead(200, { 'content-type': 'audio/mpeg' });
            answer.write(`xx${key.slice(0, 4)}`);
            await new Promise((resolve) => setTimeout(resolve, 5));
            answer.end(`${key.slice(4)}yys`);
          };
        },
      ],
    ];
    for (const [where, path, body, prepare] of attacks) {
      it(`${where} does not reveal it`, async () => {
        prepare();
        const answered = await post(path, body);
        const seen = JSON.stringify([...answered.headers]) + (await answered.text());
        assert.ok(!seen.includes(key), seen);
        assert.match(seen, /\[redacted\]/);
        const record = await recordBy(answered.headers);
        assert.ok(!JSON.stringify(record).includes(key));
        assert.ok(!stack.log().includes(key), 'it is not in the log');
      });
    }
  });
});
