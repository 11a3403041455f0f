import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Agent } from 'undici';
import type { ProviderAdapter } from '../../../proxy/providers/adapter.ts';
import { makeExchange } from '../../../proxy/providers/exchange.ts';
import { asCount, asObject, asString } from '../../../proxy/providers/json.ts';
import { plainFormat } from '../../../proxy/providers/openai/plain-format.ts';
import { formatOf, type ProviderTable, priceListsOf, providerTable } from '../../../proxy/providers/table.ts';
import { unknownUsage } from '../../../proxy/providers/usage.ts';
import type { WireFormat } from '../../../proxy/providers/wire-format.ts';
import { operations } from '../../../proxy/surfaces/openai/operations.ts';
import { atEnd } from '../../scope.ts';
import { makeKey } from '../snapshot.ts';
import { makeRecordingSink } from './recording-sink.ts';

const providerKey = makeKey('c1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8091');

/** One that knows its callers by another header, is asked at another path, and counts in other words. */
const chat: WireFormat = {
  ...plainFormat,
  path: '/messages',
  read(answer) {
    const message = asObject(answer);
    const counted = asObject(message?.counted);
    return {
      failed: message?.type === 'error',
      errorCode: null,
      responseId: asString(message?.id),
      model: asString(message?.model),
      serviceTier: null,
      usage: { ...unknownUsage, inputTokens: asCount(counted?.heard), outputTokens: asCount(counted?.said) },
    };
  },
};
const sample: ProviderAdapter = {
  authorize: (secret) => ({ 'x-api-key': secret }),
  priceList: 'openai',
  formats: { chat },
};
/** A type of provider is its line in the table, and nothing else. */
const table: ProviderTable = { ...providerTable, compatible: sample };

test('a provider of another type is asked and read by its line in the table', async (t) => {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    response.end('{"id":"msg_1","model":"sample-1","counted":{"heard":7,"said":2}}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const upstream = new Agent();
  atEnd(t, async () => {
    await upstream.destroy();
    server.close().closeAllConnections();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const key = { ...providerKey, provider: { ...providerKey.provider, type: 'compatible' as const, origin } };
  const format = formatOf(table, key.provider, 'chat');
  const { sink, told, over } = makeRecordingSink();
  makeExchange(upstream, table)({ method: 'POST', path: format.path, key, headers: {}, body: '{}' }, sink);
  await over;
  const [request = assert.fail()] = asked;
  assert.equal(request.url, '/v1/messages');
  assert.equal(request.headers['x-api-key'], key.secret);
  assert.equal(request.headers.authorization, undefined);
  const text = told.find((one) => one.startsWith('chunk '))?.slice('chunk '.length) ?? assert.fail();
  const { responseId, usage } = format.read(JSON.parse(text), {});
  assert.deepEqual([responseId, usage.inputTokens, usage.outputTokens], ['msg_1', 7, 2]);
});

test('a provider is not asked for an operation that it does not offer', () => {
  const { provider } = providerKey;
  assert.throws(() => formatOf(table, { ...provider, type: 'compatible' }, 'embeddings'), {
    code: 'invalid_request',
    message: /openai does not offer this API/,
  });
});

test('a provider is priced by the list that its adapter names', () => {
  const providers = [
    { name: 'openai', type: 'openai' },
    { name: 'groq', type: 'compatible' },
  ] as const;
  const lists = [...priceListsOf(providerTable, providers)];
  assert.deepEqual(lists, [
    ['openai', 'openai'],
    ['groq', 'openai'],
  ]);
});

test('OpenAI and compatible providers offer every operation of OpenAI’s API', () => {
  const names = Object.keys(providerTable.openai.formats);
  for (const { name } of operations) assert.ok(names.includes(name), name);
  assert.deepEqual(Object.keys(providerTable.compatible.formats), names);
});
