import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import OpenAI from 'openai';
import { Client } from 'pg';
import { copyQuickstart } from '../directories.ts';
import { atEnd } from '../scope.ts';
import { type ProviderRequest, sendJson, startScriptedProvider } from '../scripted-provider.ts';
import { until } from '../until.ts';
import { type Ready, startUp } from './start-up.ts';

type Organization = Ready['organizations'][number];

const globex = `apiVersion: chaperone.dev/v1alpha1
kind: Organization
metadata: {name: globex}
spec:
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: globex}}
  providers: [{name: openai, type: openai}]
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: globex}
stringData: {key: sk-globex}
---
apiVersion: chaperone.dev/v1alpha1
kind: ApiKeyBinding
metadata: {name: shared, namespace: globex}
spec: {organizationRef: {name: globex}, provider: openai, secretKeyRef: {name: key, key: key}}
`;

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Good.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
};

const isAnalysis = ({ text }: ProviderRequest) => text.includes('You analyse a conversation');
const isOfGlobex = ({ headers }: ProviderRequest) => headers.authorization === 'Bearer sk-globex';
const count = 100;

async function converse({ baseUrl, token }: Organization): Promise<string[]> {
  const client = new OpenAI({ baseURL: baseUrl, apiKey: token, defaultHeaders: { 'X-User-ID': 'ada' }, maxRetries: 0 });
  const ids: string[] = [];
  for (let number = 0; number < count; number += 1) {
    const messages = [{ role: 'user' as const, content: `Question ${number}` }];
    const { response } = await client.chat.completions.create({ model: 'gpt-4o-mini', messages }).withResponse();
    ids.push(response.headers.get('x-conversation-id') ?? '');
  }
  return ids;
}

async function analyze({ baseUrl, token }: Organization, ids: readonly string[]): Promise<void> {
  const answer = await fetch(new URL('/api/analyses/bulk', baseUrl), {
    method: 'POST',
    headers: { 'x-api-key': token, 'x-user-id': 'ada', 'content-type': 'application/json' },
    body: JSON.stringify({ items: ids.map((conversationId) => ({ conversationId, branchId: 'main' })) }),
  });
  assert.equal(((await answer.json()) as { queued: number }).queued, count);
}

test('200 analyses of two organizations, one with a provider that does not answer: the other gets all of its own', async (t) => {
  const provider = await startScriptedProvider(t);
  const released = Promise.withResolvers<void>();
  let [held, mostHeld] = [0, 0];
  provider.answer = async (response, request) => {
    if (isAnalysis(request) && isOfGlobex(request)) {
      held += 1;
      mostHeld = Math.max(mostHeld, held);
      await released.promise;
      held -= 1;
    }
    sendJson(response, completion);
  };
  const directory = await copyQuickstart(t);
  await writeFile(join(directory, 'globex.yaml'), globex);
  const up = await startUp(t, { directory, arguments: ['--upstream', provider.url] });
  const [acme, slow] = up.ready.organizations;
  assert.ok(acme && slow);
  const [ofAcme, ofSlow] = [await converse(acme), await converse(slow)];
  const owner = new Client({ connectionString: up.ready.databaseUrl });
  await owner.connect();
  atEnd(t, () => owner.end());
  const completed = async (organization: Organization) => {
    const { rowCount } = await owner.query(
      `select from chaperone.conversation_analyses a join chaperone.organizations o using (organization_id)
       where o.name = $1 and a.status = 'completed'`,
      [organization.name],
    );
    return rowCount;
  };

  await analyze(slow, ofSlow);
  await until(() => held === 12, 'the slow ones to have as many places as they may', 120_000);
  await analyze(acme, ofAcme);
  await until(async () => (await completed(acme)) === count, 'all analyses of the other organization', 180_000);
  assert.equal(await completed(slow), 0);
  assert.equal(mostHeld, 12);

  released.resolve();
  await until(async () => (await completed(slow)) === count, 'all analyses of the slow one', 180_000);
  assert.equal(provider.requests.filter(isAnalysis).length, 2 * count, 'each one was asked for once');
});
