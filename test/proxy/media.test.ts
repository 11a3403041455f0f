import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, beforeEach, describe, it } from 'node:test';
import type { Client } from 'pg';
import type { ProxyProcess } from '../../cli/local/proxies.ts';
import { connect } from '../database/tenant.ts';
import { recordOf } from '../recorded-call.ts';
import { suiteScope } from '../scope.ts';
import { makeLongAnswer } from '../scripted-provider.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const megabyte = 1024 * 1024;

/** Forms and audio, byte for byte: a real proxy process in front of a server of the test's. */
describe('media', () => {
  const scope = suiteScope();
  let stack: Stack<ProxyProcess>;
  let database: Client;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  /** What arrived at the provider since the test began. */
  let arrived: { readonly request: IncomingMessage; readonly ended: Promise<boolean> }[];

  before(async () => {
    const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
      const ended = new Promise<boolean>((resolve) => request.on('close', () => resolve(request.complete)));
      arrived.push({ request, ended });
      answer(request, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    scope.after(async () => server.close().closeAllConnections());
    stack = await startStack(scope, {
      ownProcess: true,
      upstreamUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    });
    database = await connect(scope, stack.database.url);
  });
  beforeEach(() => {
    arrived = [];
    answer = (request, response) => {
      request.resume().once('end', () => json(response, { text: 'Hello' }));
    };
  });

  const headers = () => ({ authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' });
  const open = (path: string, more: Record<string, string>) =>
    request(`${stack.baseUrl}${path}`, { method: 'POST', headers: { ...headers(), ...more } });
  const send = (path: string, body: FormData | string) =>
    fetch(`${stack.baseUrl}${path}`, { method: 'POST', headers: headers(), body });
  /** A session by which a call is found of which its client never saw the id. */
  const recordIn = (session: string) =>
    until(async () => {
      const { rows } = await database.query('select * from chaperone.requests where session_id = $1', [session]);
      return rows[0];
    }, `the record of ${session}`);
  const codeIn = async (response: Response) => {
    const { error } = (await response.json()) as { error: { code: string; param: string | null; message: string } };
    return [response.status, error.code, error.param];
  };

  describe('a form', () => {
    const boundary = 'a-boundary';
    const formHeaders = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    const field = (name: string, value: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const fileStart = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n`;
    const end = `\r\n--${boundary}--\r\n`;
    const model = field('model', 'gpt-4o-transcribe');

    for (const order of ['the file first', 'the model first']) {
      it(`arrives as it was sent, ${order}`, async () => {
        const seen = Promise.withResolvers<{ headers: IncomingMessage['headers']; body: Buffer }>();
        answer = async (incoming, response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of incoming) chunks.push(chunk);
          seen.resolve({ headers: incoming.headers, body: Buffer.concat(chunks) });
          json(response, {
            text: 'Hello',
            usage: { type: 'tokens', input_tokens: 9, output_tokens: 2, total_tokens: 11 },
          });
        };
        const file = Buffer.alloc(3 * megabyte, 'RIFF\0\r\n-\xff', 'latin1');
        const sent = Buffer.concat(
          order === 'the file first'
            ? [Buffer.from(fileStart), file, Buffer.from(`\r\n${model}${field('language', 'en')}--${boundary}--\r\n`)]
            : [Buffer.from(model + fileStart), file, Buffer.from(end)],
        );
        const client = open('/audio/transcriptions', { ...formHeaders, 'content-length': String(sent.length) });
        client.end(sent);
        const [response] = (await once(client, 'response')) as [IncomingMessage];
        response.resume();
        const { headers: arrivedHeaders, body } = await seen.promise;
        assert.equal(response.statusCode, 200);
        assert.ok(body.equals(sent));
        assert.equal(arrivedHeaders['content-type'], formHeaders['content-type']);
        assert.equal(arrivedHeaders['content-length'], String(sent.length));
        assert.equal(arrivedHeaders.authorization, 'Bearer sk-sandbox-shared');
        const record = await recordOf(database, String(response.headers['x-request-id']));
        assert.deepEqual(
          [record.operation, record.status, record.requested_model, record.total_tokens, record.is_stream],
          ['transcriptions', 'completed', 'gpt-4o-transcribe', '11', false],
        );
      });
    }

    it('of 100 MB waits at the client while the provider does not read, then arrives whole', async () => {
      const resume = Promise.withResolvers<void>();
      const digest = Promise.withResolvers<string>();
      answer = async (incoming, response) => {
        await resume.promise;
        const hash = createHash('sha256');
        for await (const chunk of incoming) hash.update(chunk);
        digest.resolve(hash.digest('hex'));
        json(response, { text: 'Hello' });
      };
      const total = 100 * megabyte;
      const chunk = Buffer.alloc(megabyte, 'audio');
      const hash = createHash('sha256');
      const client = open('/audio/transcriptions', formHeaders);
      const write = (bytes: Buffer | string) => {
        hash.update(bytes);
        return client.write(bytes);
      };
      let sent = 0;
      const stalled = Promise.withResolvers<void>();
      const upload = (async () => {
        write(model + fileStart);
        while (sent < total) {
          sent += chunk.length;
          if (write(chunk)) continue;
          const timer = setTimeout(stalled.resolve, 1_000);
          await once(client, 'drain');
          clearTimeout(timer);
        }
        hash.update(end);
        client.end(end);
        stalled.resolve();
      })();
      await stalled.promise;
      assert.ok(sent < total / 3, `${sent} bytes were taken from the client for a provider that reads nothing`);
      resume.resolve();
      await upload;
      const [response] = (await once(client, 'response')) as [IncomingMessage];
      response.resume();
      assert.equal(response.statusCode, 200);
      assert.equal(await digest.promise, hash.digest('hex'));
    });

    it('whose model does not come in time is refused, and nothing of it goes upstream', async () => {
      const form = new FormData();
      form.append('file', new File([Buffer.alloc(33 * megabyte)], 'a.wav'));
      form.append('model', 'gpt-4o-transcribe');
      const response = await send('/audio/transcriptions', form);
      assert.deepEqual(await codeIn(response), [413, 'request_too_large', 'model']);
      assert.equal(arrived.length, 0);
    });

    const refused: readonly (readonly [
      string,
      readonly (readonly [string, string])[],
      number,
      string,
      string | null,
    ])[] = [
      ['without a model', [['language', 'en']], 400, 'invalid_request', 'model'],
      ['of a model that is not allowed', [['model', 'o3']], 403, 'model_not_allowed', 'model'],
      [
        'with two models',
        [
          ['model', 'gpt-4o-transcribe'],
          ['model', 'o3'],
        ],
        400,
        'invalid_request',
        'model',
      ],
      [
        'with a persona',
        [
          ['persona_id', 'x'],
          ['model', 'gpt-4o-transcribe'],
        ],
        400,
        'persona_not_supported',
        'persona_id',
      ],
    ];
    for (const [what, fields, status, code, param] of refused) {
      it(`${what} is refused, and nothing of it goes upstream`, async () => {
        const form = new FormData();
        for (const [name, value] of fields) form.append(name, value);
        form.append('file', new File(['x'], 'a.wav'));
        const response = await send('/audio/transcriptions', form);
        assert.deepEqual(await codeIn(response), [status, code, param]);
        assert.equal(arrived.length, 0);
      });
    }

    for (const [what, late, code] of [
      ['a second model', field('model', 'o3'), 'invalid_request'],
      ['a persona', field('persona_id', 'x'), 'persona_not_supported'],
      ['nothing where it should go on', '', 'invalid_request'],
    ] as const) {
      it(`is aborted while it is being sent where ${what} follows`, async () => {
        const content = 'x'.repeat(2 * megabyte);
        const rest = late === '' ? '' : `\r\n${late}--${boundary}--\r\n`;
        const sent = model + fileStart + content + rest;
        const client = open('/audio/transcriptions', { ...formHeaders, 'content-length': String(sent.length) });
        client.write(model + fileStart);
        await until(() => arrived.length === 1, 'the form’s beginning');
        client.end(content + rest);
        const [response] = (await once(client, 'response')) as [IncomingMessage];
        const body = JSON.parse((await response.toArray()).join(''));
        assert.deepEqual([response.statusCode, body.error.code], [400, code]);
        assert.equal(await arrived[0]?.ended, false, 'the provider got all of it');
        const record = await recordOf(database, String(response.headers['x-request-id']));
        assert.deepEqual([record.status, record.error_code, record.cost_usd], ['failed', code, null]);
      });
    }

    it('in the form of Java or of a mail program is accepted, and arrives as it was sent', async () => {
      const text = 'Content-Type: text/plain; charset=ISO-8859-1';
      const bytes = [
        ...['', '--B', `Content-Disposition: form-data; name="model"\r\n${text}`, '', 'gpt-4o-transcribe'],
        ...['--B', 'Content-Disposition: form-data; name="file"; filename="a\\"b.wav"', 'Content-Type: audio/wav', ''],
        ...['RIFF', '--B--', '', ''],
      ].join('\r\n');
      const seen = Promise.withResolvers<string>();
      answer = async (request, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk);
        seen.resolve(Buffer.concat(chunks).toString());
        json(response, { text: 'Hello' });
      };
      const post = (body: string | Buffer) =>
        fetch(`${stack.baseUrl}/audio/transcriptions`, {
          method: 'POST',
          headers: { ...headers(), 'content-type': 'multipart/form-data; boundary=B' },
          body: new Uint8Array(Buffer.from(body)),
        });
      const response = await post(bytes);
      assert.equal(response.status, 200, await response.text());
      assert.equal(await seen.promise, bytes);
      const foreign = await post(Buffer.from(bytes.replace('gpt-4o-transcribe', 'whísper'), 'latin1'));
      const { error } = (await foreign.json()) as { error: { param: string; message: string } };
      assert.deepEqual([foreign.status, error.param], [400, 'model']);
      assert.match(error.message, /^Error processing request: model must be in UTF-8/);
    });

    it('whose client leaves is aborted, and recorded as cancelled', async () => {
      const session = `left-${Math.random()}`;
      const client = open('/audio/transcriptions', { ...formHeaders, 'x-session-id': session });
      client.on('error', () => {});
      client.write(model + fileStart + 'x'.repeat(megabyte));
      await until(() => arrived.length === 1);
      client.destroy();
      assert.equal(await arrived[0]?.ended, false);
      const record = await recordIn(session);
      assert.deepEqual([record.status, record.error_code], ['cancelled', 'client_disconnected']);
    });

    it('whose client leaves before its model is known is not a call', async () => {
      const client = open('/audio/transcriptions', formHeaders);
      client.on('error', () => {});
      client.write(fileStart + 'x'.repeat(megabyte));
      await once(client, 'socket');
      await new Promise((resolve) => client.write('x', resolve));
      client.destroy();
      assert.equal((await send('/audio/transcriptions', smallForm())).status, 200);
      assert.equal(arrived.length, 1);
    });

    it('that the provider refuses before it has all of it passes that answer to the client', async () => {
      answer = (_request, response) => json(response, { error: { code: 'invalid_api_key' } }, 401);
      const client = open('/audio/transcriptions', formHeaders);
      client.write(model + fileStart);
      const [response] = (await once(client, 'response')) as [IncomingMessage];
      assert.equal(response.statusCode, 401);
      assert.match((await response.toArray()).join(''), /invalid_api_key/);
      const record = await recordOf(database, String(response.headers['x-request-id']));
      assert.deepEqual([record.status, record.error_code, record.http_status], ['failed', 'invalid_api_key', 401]);
      client.on('error', () => {});
      client.destroy();
    });

    it('may be answered as text, and its length is that of the subtitles', async () => {
      const text = '1\n00:00:00,000 --> 00:01:02,500\nHello\n\n';
      answer = async (incoming, response) => {
        incoming.resume();
        response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
      };
      const form = smallForm();
      form.append('response_format', 'srt');
      const response = await send('/audio/transcriptions', form);
      assert.equal(await response.text(), text);
      assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
      const record = await recordOf(database, response.headers.get('x-request-id'));
      assert.deepEqual([record.status, record.audio_seconds, record.cost_usd], ['completed', '62.500', null]);
    });

    it('that is answered with text instead of JSON is a failure of the provider', async () => {
      answer = async (incoming, response) => {
        incoming.resume();
        response.writeHead(200, { 'content-type': 'text/plain' }).end('Hello');
      };
      assert.deepEqual(await codeIn(await send('/audio/transcriptions', smallForm())), [
        502,
        'upstream_invalid_response',
        null,
      ]);
    });

    it('is refused by an API that takes no form', async () => {
      assert.deepEqual(await codeIn(await send('/embeddings', smallForm())), [400, 'invalid_json', null]);
    });

    function smallForm(): FormData {
      const form = new FormData();
      form.append('file', new File(['x'], 'a.wav'));
      form.append('model', 'gpt-4o-transcribe');
      return form;
    }
  });

  describe('speech', () => {
    const body = JSON.stringify({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'Grüße ☃ 🙂' });
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    const audio = { 'content-type': 'audio/mpeg' };

    it('arrives while it is made, byte for byte', async () => {
      const goOn = Promise.withResolvers<void>();
      answer = async (incoming, response) => {
        incoming.resume();
        response.writeHead(200, audio);
        response.write(bytes.subarray(0, 1_000));
        await goOn.promise;
        response.end(bytes.subarray(1_000));
      };
      const response = await send('/audio/speech', body);
      const reader = response.body?.getReader();
      const heard = [Buffer.from((await reader?.read())?.value ?? [])];
      assert.ok(heard[0]?.equals(bytes.subarray(0, 1_000)));
      goOn.resolve();
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
        heard.push(Buffer.from(part.value));
      assert.ok(Buffer.concat(heard).equals(bytes));
      assert.equal(response.headers.get('content-type'), 'audio/mpeg');
      const record = await recordOf(database, response.headers.get('x-request-id'));
      assert.deepEqual(
        [record.operation, record.status, record.characters, record.total_tokens, record.cost_usd],
        ['speech', 'completed', '9', null, null],
      );
      assert.ok(record.time_to_first_token_ms !== null && record.time_to_first_token_ms <= record.duration_ms);
    });

    it('that is cut off ends without an end, and counts as failed', async () => {
      answer = (incoming, response) => {
        incoming.resume();
        response.writeHead(200, audio);
        response.write(bytes, () => response.destroy());
      };
      const response = await send('/audio/speech', body);
      await assert.rejects(response.arrayBuffer());
      const record = await recordOf(database, response.headers.get('x-request-id'));
      assert.deepEqual([record.status, record.error_code, record.characters], ['failed', 'upstream_interrupted', null]);
    });

    it('whose client leaves is read to its end, since it is billed', async () => {
      const left = Promise.withResolvers<void>();
      answer = async (incoming, response) => {
        incoming.resume();
        response.writeHead(200, audio);
        response.write(bytes);
        await left.promise;
        response.end(bytes);
      };
      const client = open('/audio/speech', {});
      client.end(body);
      const [response] = (await once(client, 'response')) as [IncomingMessage];
      await once(response, 'data');
      client.destroy();
      // What is answered after the listener has left: the proxy knows of it.
      await (await fetch(`${stack.baseUrl}/personas`, { headers: headers() })).text();
      left.resolve();
      const record = await recordOf(database, String(response.headers['x-request-id']));
      assert.deepEqual([record.status, record.characters], ['cancelled', '9']);
    });

    it('that the provider refuses is an error like any other', async () => {
      answer = (_request, response) => json(response, { error: { code: 'invalid_voice', message: 'No' } }, 400);
      const response = await send('/audio/speech', body);
      assert.equal(response.status, 400);
      assert.match(await response.text(), /invalid_voice/);
      const record = await recordOf(database, response.headers.get('x-request-id'));
      assert.deepEqual([record.status, record.error_code, record.characters], ['failed', 'invalid_voice', null]);
    });

    it('pauses the provider while the client does not read', async () => {
      const total = 256 * megabyte;
      const { send, stalled, sentBytes } = makeLongAnswer(bytes, total);
      answer = (incoming, response) => {
        incoming.resume();
        response.writeHead(200, audio);
        send(response);
      };
      const client = open('/audio/speech', {});
      client.end(body);
      const [response] = (await once(client, 'response')) as [IncomingMessage];
      response.pause();
      await stalled;
      assert.ok(
        sentBytes() < total / 2,
        `${sentBytes()} bytes were taken from the provider for a client that reads nothing`,
      );
      client.destroy();
    });
  });

  it('under way when the proxy is killed is recorded as interrupted, once', async () => {
    const sessions = { upload: `upload-${Math.random()}`, speech: `speech-${Math.random()}` };
    answer = (incoming, response) => {
      if (incoming.url !== '/v1/audio/speech') return;
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      response.write('sound');
    };
    const upload = open('/images/edits', {
      'content-type': 'multipart/form-data; boundary=B',
      'x-session-id': sessions.upload,
    });
    upload.on('error', () => {});
    const part = (name: string) => `--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`;
    upload.write(`${part('model')}gpt-4o-image\r\n${part('image"; filename="a.png')}${'x'.repeat(megabyte)}`);
    const listener = open('/audio/speech', { 'x-session-id': sessions.speech });
    listener.on('error', () => {});
    listener.end(JSON.stringify({ model: 'gpt-4o-mini-tts', voice: 'alloy', input: 'Hi' }));
    const [response] = (await once(listener, 'response')) as [IncomingMessage];
    response.on('error', () => {}).resume();
    await until(() => arrived.length === 2, 'both calls to be under way');

    const pid = stack.proxy.pid() ?? assert.fail();
    process.kill(pid, 'SIGKILL');
    await until(() => stack.proxy.pid() !== pid, 'the proxy to be started again');
    for (const session of Object.values(sessions)) {
      const record = await recordIn(session);
      assert.deepEqual([record.status, record.total_tokens, record.characters], ['interrupted', null, null], session);
      const { rows } = await database.query('select 1 from chaperone.requests where session_id = $1', [session]);
      assert.equal(rows.length, 1, session);
    }
  });
});

function json(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
