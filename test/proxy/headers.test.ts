import assert from 'node:assert/strict';
import { request } from 'node:http';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';

describe('a request that repeats a header about its caller', () => {
  const scope = suiteScope();
  let stack: Stack;
  before(async () => {
    stack = await startStack(scope);
  });

  /** Sends headers as they are. */
  const send = (method: string, path: string, headers: readonly string[], body?: string) =>
    new Promise<{ status: number | undefined; error: { code: string; param: string; message: string } | undefined }>(
      (resolve, reject) => {
        const sent = request(
          `${stack.baseUrl}${path}`,
          { method, headers: ['Host', '127.0.0.1', ...headers] },
          (answer) => {
            const chunks: Buffer[] = [];
            answer.on('data', (chunk: Buffer) => chunks.push(chunk));
            answer.on('end', () => {
              const { error } = JSON.parse(Buffer.concat(chunks).toString());
              resolve({ status: answer.statusCode, error });
            });
          },
        );
        sent.on('error', reject).end(body);
      },
    );
  const body = JSON.stringify({ model: 'gpt-4o', input: 'Hi' });
  const call = (...headers: string[]) =>
    send('POST', '/responses', [...headers, 'Content-Length', String(body.length)], body);

  it('is refused, both as a call and as any other request', async () => {
    const bearer = ['Authorization', `Bearer ${stack.token}`];
    const ada = ['X-User-ID', 'ada'];
    assert.equal((await call(...bearer, ...ada)).status, 200);
    const repeated = [
      [[...bearer, ...bearer, ...ada], 'Authorization'],
      [[...bearer, 'authorization', 'Bearer other', ...ada], 'Authorization'],
      [[...bearer, ...ada, 'x-user-id', 'bob'], 'X-User-ID'],
      [[...bearer, ...ada, 'X-Session-ID', 'a', 'X-Session-ID', 'b'], 'X-Session-ID'],
      [[...bearer, ...ada, 'X-Turn-ID', 'a', 'X-Turn-ID', 'a'], 'X-Turn-ID'],
      [[...bearer, ...ada, 'Idempotency-Key', 'a', 'Idempotency-Key', 'b'], 'Idempotency-Key'],
      [[...bearer, ...ada, 'X-Response-Format', 'simple', 'X-Response-Format', 'openai'], 'X-Response-Format'],
      [[...bearer, ...ada, 'X-API-Key', 'another credential'], 'X-API-Key'],
    ] as const;
    for (const [headers, param] of repeated) {
      const answers = [await call(...headers), await send('GET', '/personas', headers)];
      for (const { status, error } of answers) {
        assert.deepEqual([status, error?.code, error?.param], [400, 'invalid_header', param]);
      }
    }
    const [{ error }] = [await call(...bearer, ...bearer)];
    assert.equal(error?.message, 'Error processing request: the header Authorization must stand only once');
  });
});
