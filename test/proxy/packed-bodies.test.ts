import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, describe, it } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';

const packers: readonly (readonly [name: string, encoding: string, pack: (body: Buffer) => Buffer])[] = [
  ['gzip', 'gzip', gzipSync],
  ['gzip in capitals', 'GZIP', gzipSync],
  ['x-gzip', 'x-gzip', gzipSync],
  ['deflate', 'deflate', deflateSync],
  ['deflate without its header', 'deflate', deflateRawSync],
  ['br', 'br', brotliCompressSync],
  ['zstd', 'zstd', zstdCompressSync],
  ['identity', 'identity', (body) => body],
];

/** What clients compress is read, and goes upstream unpacked: a real proxy process in front of a server of the test's. */
describe('a compressed body', () => {
  const scope = suiteScope();
  let stack: Stack;
  const arrived: { readonly url: string; readonly encoding: string | undefined; readonly body: Buffer }[] = [];

  before(async () => {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      // Broken off where the form turns out to be a bomb.
      try {
        for await (const chunk of request) chunks.push(chunk);
      } catch {
        return;
      }
      const { url = '', headers } = request;
      arrived.push({ url, encoding: headers['content-encoding'], body: Buffer.concat(chunks) });
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ id: `conv_${arrived.length}`, text: 'Hi', usage: {} }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    scope.after(async () => server.close().closeAllConnections());
    const upstreamUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    stack = await startStack(scope, { upstreamUrl, ownProcess: true });
  });

  const post = async (path: string, encoding: string, body: Buffer, type = 'application/json') => {
    const response = await fetch(`${stack.baseUrl}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${stack.token}`,
        'x-user-id': 'ada',
        'content-type': type,
        'content-encoding': encoding,
      },
      body: new Uint8Array(body),
    });
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
  };

  const call = Buffer.from(JSON.stringify({ model: 'gpt-4o', input: 'Hällo '.repeat(500) }));
  const form = Buffer.from(
    [
      ...['--B', 'Content-Disposition: form-data; name="model"', '', 'gpt-4o-transcribe'],
      ...['--B', 'Content-Disposition: form-data; name="file"; filename="a.wav"', '', 'RIFF'.repeat(50_000)],
      ...['--B--', ''],
    ].join('\r\n'),
  );
  const formType = 'multipart/form-data; boundary=B';

  for (const [name, encoding, pack] of packers) {
    it(`in ${name} is read by every API, and goes upstream uncompressed`, async () => {
      for (const [path, body, type] of [
        ['/responses', call, undefined],
        ['/responses/input_tokens', call, undefined],
        ['/conversations', Buffer.from('{"metadata":{"a":"b"}}'), undefined],
        ['/audio/transcriptions', form, formType],
        ['/files', form, formType],
      ] as const) {
        arrived.length = 0;
        const answer = await post(path, encoding, pack(body), type);
        assert.equal(answer.status, 200, `${path} ${JSON.stringify(answer.body)}`);
        const [seen] = arrived;
        assert.deepEqual([seen?.encoding, seen?.body.equals(body)], [undefined, true], path);
      }
      const persona = Buffer.from(JSON.stringify({ name: `In ${name}`, content: 'Be kind.' }));
      const made = await post('/personas', encoding, pack(persona));
      assert.deepEqual([made.status, made.body.name], [201, `In ${name}`]);
    });
  }

  const paths = ['/responses', '/conversations', '/personas', '/audio/transcriptions'] as const;
  const refusals = async (encoding: string, body: Buffer, expected: readonly [number, string, string], say: RegExp) => {
    for (const path of paths) {
      const answer = await post(path, encoding, body, path === '/audio/transcriptions' ? formType : undefined);
      const { error } = answer.body;
      assert.deepEqual([answer.status, error.code, error.param], expected, path);
      assert.match(error.message, say, path);
    }
  };

  it('in an unknown encoding is refused with the names of the known ones', async () => {
    const expected = [415, 'unsupported_encoding', 'Content-Encoding'] as const;
    await refusals('compress', call, expected, /must be one of gzip, deflate, br, zstd$/);
    await refusals('gzip, br', call, expected, /must name one encoding, not several/);
    const { headers } = await post('/responses', 'compress', call);
    assert.equal(headers.get('accept-encoding'), 'gzip, deflate, br, zstd');
  });

  it('that contradicts its encoding, or breaks off, is refused', async () => {
    const packed = gzipSync(form);
    const expected = [400, 'invalid_request', 'Content-Encoding'] as const;
    await refusals('gzip', Buffer.from('no gzip'), expected, /not what its Content-Encoding says/);
    await refusals('gzip', packed.subarray(0, packed.length - 20), expected, /breaks off/);
    await refusals('zstd', Buffer.from('no zstd'), expected, /not what its Content-Encoding says/);
  });

  it('that would unpack to too much is refused before that', async () => {
    const start = '--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
    // To the calls no JSON, to forms a file: what it is, is not known before it is unpacked.
    const bomb = Buffer.concat([Buffer.from(start), Buffer.alloc(300 * 1024 * 1024, ' ')]);
    const begun = await memory();
    for (const [, encoding, pack] of packers.filter(([name]) => ['gzip', 'deflate', 'zstd'].includes(name))) {
      await refusals(
        encoding,
        pack(bomb),
        [413, 'request_too_large', 'Content-Encoding'],
        /unpacks to more than 200 times/,
      );
    }
    const grown = (await memory()) - begun;
    assert.ok(grown < 150 * 1024 * 1024, `${grown} bytes more`);
  });

  const memory = async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`)).text();
    return Number(/^process_resident_memory_bytes\{.*\} (\d+)$/m.exec(metrics)?.[1]);
  };
});
