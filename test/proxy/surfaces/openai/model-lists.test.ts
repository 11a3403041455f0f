import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { replaceFile } from '../../../directories.ts';
import { suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';
import { until } from '../../../until.ts';

const models = ['a-1', 'b-1', 'c-1'];
const calls = [
  ['eve', 'a-1', 'a'],
  ['cyd', 'b-1', 'b'],
  ['cyd', 'c-1', 'own'],
] as const;

function bindingOf(name: string, fields: string): string {
  return `---
apiVersion: chaperone.dev/v1alpha1
kind: ApiKeyBinding
metadata: {name: ${name}}
spec: {organizationRef: {name: acme}, provider: openai, secretKeyRef: {name: model-keys, key: ${name}}, ${fields}}
`;
}

const keys = `apiVersion: v1
kind: Secret
metadata: {name: model-keys}
stringData: {a: sk-a, b: sk-b, own: sk-own}
${bindingOf('a', 'models: ["a-*"]')}${bindingOf('b', 'models: ["b-*"]')}${bindingOf('own', 'models: ["c-*"], user: cyd')}`;

/** Several keys of one provider, each for some models: what is listed is what calls can have. */
describe('the list of models', () => {
  const scope = suiteScope();
  let stack: Stack;

  const clientOf = (user: string) =>
    new OpenAI({
      baseURL: stack.baseUrl,
      apiKey: stack.token,
      defaultHeaders: { 'X-User-ID': user },
      maxRetries: 0,
    });
  const listed = async (user: string) => (await clientOf(user).models.list()).data.map(({ id }) => id).sort();

  /** The provider key that a call is made with. */
  const keyOf = async (user: string, model: string) => {
    const messages = [{ role: 'user', content: 'Which key?' } as const];
    const { choices } = await clientOf(user).chat.completions.create({ model, messages });
    return choices[0]?.message.content;
  };

  before(async () => {
    const provider = createServer((request, response) => {
      const list = { object: 'list', data: models.map((id) => ({ id, object: 'model' })) };
      const message = { role: 'assistant', content: request.headers.authorization?.replace('Bearer sk-', '') };
      const completion = { id: 'chatcmpl-1', choices: [{ index: 0, message, finish_reason: 'stop' }] };
      response.setHeader('content-type', 'application/json');
      request.resume().once('end', () => response.end(JSON.stringify(request.method === 'GET' ? list : completion)));
    });
    await once(provider.listen(0, '127.0.0.1'), 'listening');
    scope.after(async () => provider.close().closeAllConnections());
    const { port } = provider.address() as AddressInfo;
    stack = await startStack(scope, { upstreamUrl: `http://127.0.0.1:${port}/v1` });
    await replaceFile(
      join(stack.directory, 'organization.yaml'),
      `apiVersion: chaperone.dev/v1alpha1
kind: Organization
metadata: {name: acme}
spec:
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}
  providers: [{name: openai, type: openai}]
  sharing: [{namespace: default, users: ["*"]}]
`,
    );
    await replaceFile(join(stack.directory, 'keys.yaml'), keys);
    for (const [user, model, key] of calls) {
      await until(async () => (await keyOf(user, model).catch(() => '')) === key, `${key} to be in force`);
    }
  });

  it('has the models of every key that serves everyone', async () => {
    assert.deepEqual(await listed('eve'), ['a-1', 'b-1']);
  });

  it('has the models of the organization’s keys beside those of the user’s own', async () => {
    assert.deepEqual(await listed('cyd'), models);
  });

  it('shows a model by the key that would serve a call with it', async () => {
    for (const [user, model, key] of calls) {
      assert.equal((await clientOf(user).models.retrieve(model)).id, model);
      assert.equal(await keyOf(user, model), key);
    }
    await assert.rejects(clientOf('eve').models.retrieve('c-1'), OpenAI.NotFoundError);
  });

  it('finds the dated snapshot of a listed model for those who may call it, and no invented one', async () => {
    const { id, object, owned_by } = await clientOf('eve').models.retrieve('a-1-2026-01-31');
    assert.deepEqual([id, object, owned_by], ['a-1-2026-01-31', 'model', 'openai']);
    for (const unknown of ['a-1-latest', 'a-2', 'c-1-2026-01-31']) {
      await assert.rejects(clientOf('eve').models.retrieve(unknown), OpenAI.NotFoundError, unknown);
    }
    assert.deepEqual(await listed('eve'), ['a-1', 'b-1']);
  });
});
