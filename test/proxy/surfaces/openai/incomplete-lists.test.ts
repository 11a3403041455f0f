import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type OpenAI from 'openai';
import { toFile } from 'openai';
import { replaceFile } from '../../../directories.ts';
import { freePort } from '../../../free-port.ts';
import { makeOpenAI } from '../../../openai.ts';
import { suiteScope } from '../../../scope.ts';
import { type Answer, type ScriptedProvider, sendJson, startScriptedProvider } from '../../../scripted-provider.ts';
import { type Stack, startStack } from '../../../stack.ts';
import { until } from '../../../until.ts';

const listOf =
  (...ids: string[]): Answer =>
  (response) =>
    sendJson(response, { object: 'list', data: ids.map((id) => ({ id, object: 'model' })) });

/** Several providers, of which not all can be asked: what can be listed is listed. */
describe('a list from several providers', () => {
  const scope = suiteScope();
  let stack: Stack;
  let client: OpenAI;
  let healthy: ScriptedProvider;
  let other: ScriptedProvider;
  let otherUrl: string;

  const configure = async (otherBaseUrl: string) => {
    otherUrl = otherBaseUrl;
    await replaceFile(
      join(stack.directory, 'organization.yaml'),
      `apiVersion: chaperone.dev/v1alpha1
kind: Organization
metadata: {name: acme}
spec:
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}
  providers:
    - {name: healthy, type: compatible, baseUrl: "${healthy.url}"}
    - {name: other, type: compatible, baseUrl: "${otherUrl}"}
  sharing: [{namespace: default, users: [bob]}]
`,
    );
  };
  const bindingOf = (provider: string) => `---
apiVersion: chaperone.dev/v1alpha1
kind: ApiKeyBinding
metadata: {name: ${provider}}
spec: {organizationRef: {name: acme}, provider: ${provider}, secretKeyRef: {name: keys, key: ${provider}}}
`;
  const list = async () => {
    const { data, response } = await client.models.list().withResponse();
    return { ids: data.data.map(({ id }) => id).sort(), missing: response.headers.get('x-chaperone-incomplete') };
  };
  const metric = async (result: string) => {
    const text = await (await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`)).text();
    const line = text
      .split('\n')
      .find(
        (line) =>
          line.startsWith('chaperone_model_lists_total') && line.includes('"other"') && line.includes(`"${result}"`),
      );
    return Number(line?.split(' ').at(-1) ?? 0);
  };

  before(async () => {
    [healthy, other] = [await startScriptedProvider(scope), await startScriptedProvider(scope)];
    healthy.answer = listOf('h-1', 'h-2');
    other.answer = listOf('o-1');
    stack = await startStack(scope, { upstreamUrl: healthy.url });
    client = makeOpenAI(stack);
    await configure(`http://127.0.0.1:${await freePort()}/v1`);
    await replaceFile(
      join(stack.directory, 'keys.yaml'),
      `apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {healthy: sk-h, other: sk-o}
${bindingOf('healthy')}${bindingOf('other')}`,
    );
    await until(async () => (await list().catch(() => undefined))?.missing === 'other', 'both keys to be in force');
  });

  it('has the entries of the healthy one, and names the one that is missing', async () => {
    const failed = await metric('failed');
    assert.deepEqual(await list(), { ids: ['h-1', 'h-2'], missing: 'other' });
    assert.equal((await client.models.retrieve('h-2')).id, 'h-2');
    assert.equal(await metric('failed'), failed + 2);
    assert.match(stack.log(), /"provider":"other","code":"upstream_unreachable"/);
  });

  it('does not deny a model while a provider that may have it is missing', async () => {
    await assert.rejects(client.models.retrieve('o-1'), { status: 502, code: 'upstream_unreachable' });
  });

  it('is complete once the provider is back, and remembers for a while that it is missing', async () => {
    await configure(other.url);
    await until(async () => (await list()).missing === null, 'the other provider to be in force');
    assert.deepEqual(await list(), { ids: ['h-1', 'h-2', 'o-1'], missing: null });
    await assert.rejects(client.models.retrieve('x'), { status: 404, code: 'model_not_found' });

    other.answer = (response) => sendJson(response, { error: {} }, 500);
    assert.deepEqual(await list(), { ids: ['h-1', 'h-2', 'o-1'], missing: null });
    assert.equal(await metric('remembered'), 1);
  });

  it('does not wait long for one that does not answer', async () => {
    other.answer = () => {};
    const answered = await Promise.race([list(), new Promise((resolve) => setTimeout(resolve, 20_000).unref())]);
    assert.deepEqual(answered, { ids: ['h-1', 'h-2', 'o-1'], missing: null });
  });

  it('accepts a provider that has no list', async () => {
    for (const status of [404, 405, 501]) {
      other.answer = (response) => sendJson(response, { error: {} }, status);
      assert.deepEqual(await list(), { ids: ['h-1', 'h-2'], missing: null });
    }
    await assert.rejects(client.models.retrieve('o-1'), { status: 404 });
  });

  it('reads compressed lists', async () => {
    const { gzipSync } = await import('node:zlib');
    other.answer = (response) =>
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(gzipSync('{"data":[{"id":"o-2"}]}'));
    assert.deepEqual(await list(), { ids: ['h-1', 'h-2', 'o-2'], missing: null });
  });

  it('is an error where no provider answers', async () => {
    await configure(`http://127.0.0.1:${await freePort()}/v1`);
    await until(async () => (await list()).missing === 'other', 'the other provider to be away');
    healthy.answer = (response) => sendJson(response, { error: {} }, 404);
    await assert.rejects(client.models.list(), { status: 502 });
  });

  it('of files has the entries of the healthy one, too', async () => {
    const made = new Map<string, string>();
    const answerAs =
      (name: string): Answer =>
      (response, { method }) => {
        if (method === 'GET')
          return sendJson(response, { data: [{ id: made.get(name), object: 'file' }], has_more: false });
        made.set(name, `file-${name}`);
        return sendJson(response, { id: `file-${name}`, object: 'file' });
      };
    await configure(other.url);
    [healthy.answer, other.answer] = [listOf('h-1'), listOf('o-1')];
    await until(async () => (await list()).missing === null, 'both providers to be there');
    healthy.answer = answerAs('healthy');
    other.answer = answerAs('other');
    const upload = async () => {
      const file = await toFile(Buffer.from('{}'), 'a.jsonl');
      return (await client.files.create({ file, purpose: 'batch' })).id;
    };
    await upload();
    // The first key that is left takes what has no key of its own.
    const [first = ''] = made.keys();
    const second = first === 'healthy' ? 'other' : 'healthy';
    await replaceFile(
      join(stack.directory, 'user.yaml'),
      bindingOf(second).replace(`{name: ${second}}`, '{name: mine}').replace('spec: {', 'spec: {user: bob, '),
    );
    await until(async () => (await upload()) === `file-${second}`, 'the own key to be in force');
    const files = async () => (await client.files.list()).data.map(({ id }) => id).sort();
    assert.deepEqual(await files(), ['file-healthy', 'file-other']);
    const away = first === 'healthy' ? healthy : other;
    away.answer = (response) => sendJson(response, { error: {} }, 500);
    const { data, response } = await client.files.list().withResponse();
    assert.deepEqual(
      [data.data.map(({ id }) => id), response.headers.get('x-chaperone-incomplete')],
      [[`file-${second}`], first],
    );
  });
});
