import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { parseAllDocuments } from 'yaml';
import { connect } from '../database/tenant.ts';
import { copyQuickstart } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { furnishInsights, type InsightsVictim, insightsAttempts, insightsPathOf } from './insights-attempts.ts';
import { type Ready, startUp } from './start-up.ts';

const embedding = { model: 'text-embedding-3-small', dimensions: 256 };

/** Another organization, with the very provider key that the quickstart's has. */
const globex = `apiVersion: chaperone.dev/v1alpha1
kind: Organization
metadata: {name: globex}
spec:
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: globex}}
  authentication: {defaultRoles: [admin]}
  providers: [{name: openai, type: openai}]
  knowledgeBase: {embedding: ${JSON.stringify(embedding)}}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: globex}
stringData: {key: sk-sandbox-shared}
---
apiVersion: chaperone.dev/v1alpha1
kind: ApiKeyBinding
metadata: {name: shared, namespace: globex}
spec: {organizationRef: {name: globex}, provider: openai, secretKeyRef: {name: key, key: key}}
`;

interface Answer {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
  readonly body: any;
}

type Ask = (method: string, path: string, body?: object, token?: string) => Promise<Answer>;

/** What acme has. */
interface Victim extends InsightsVictim {
  readonly article: string;
  readonly conversation: string;
  readonly webhook: string;
  readonly key: string;
}

/** A request of globex with the ids of acme. */
type Attempt = (victim: Victim) => { readonly body?: object; readonly status: number };

/** Whose a file of the volume is. A new kind of file needs a line, and a thought. */
const fileKinds: readonly (readonly [path: RegExp, of: 'one' | 'all', says: string])[] = [
  [/^proxies\/(acme|globex)\/(\d+\.spool|set-aside.*)$/, 'one', 'records, with what was said sealed'],
  [/^proxies\/(acme|globex)\/snapshot\.json(\.new)?$/, 'one', 'the configuration, sealed'],
  [/^proxies\/(acme|globex)\/(lock|lock-journal|reserve|address\.json)$/, 'one', 'nothing of anybody'],
  [/^worker\/([0-9a-f-]{36})\//, 'one', 'as a proxy of the organization'],
  [/^state\/secrets\/.*(acme|globex)/, 'one', 'what a pod of the organization mounts'],
  [/^state\/(objects|status|events\.jsonl|secrets)/, 'all', 'the API server of local mode, and the operator’s Secrets'],
  [/^(chaperone\.log|problems\.json)/, 'all', 'what all parts have to say'],
];

const customer = { user_id: 'carl', message: 'How do I tune the xylophone?' };
const secret = 'Turn the brass screw of the xylophone by a quarter.';

/** A new route of these APIs needs a line, and a thought. 404: what is another's does not exist. */
const attempts: Readonly<Record<string, Attempt>> = {
  'POST /api/v1/conversations': ({ conversation }) => ({
    body: { ...customer, conversation_id: conversation },
    status: 404,
  }),
  'GET /api/v1/conversations': () => ({ status: 200 }),
  'GET /api/v1/conversations/{conversation_id}': () => ({ status: 404 }),
  'PATCH /api/v1/conversations/{conversation_id}': () => ({ body: { status: 'escalated' }, status: 404 }),
  'POST /api/v1/conversations/{conversation_id}/feedback': () => ({ body: { rating: 1 }, status: 404 }),
  'POST /api/v1/knowledge-base': ({ article }) => ({
    body: { article_id: article, title: 'Overwritten' },
    status: 404,
  }),
  'GET /api/v1/knowledge-base': () => ({ status: 200 }),
  'POST /api/v1/knowledge-base/search': () => ({ body: { query: customer.message, limit: 50 }, status: 200 }),
  'GET /api/v1/knowledge-base/{article_id}': () => ({ status: 404 }),
  'GET /api/v1/knowledge-base/{article_id}/versions': () => ({ status: 404 }),
  'DELETE /api/v1/knowledge-base/{article_id}': () => ({ status: 404 }),
  'GET /api/v1/analytics': () => ({ status: 200 }),
  'GET /api/v1/analytics/summary': () => ({ status: 200 }),
  'GET /api/v1/webhooks': () => ({ status: 200 }),
  'POST /api/v1/webhooks': () => ({ body: { name: 'ours', url: 'https://hooks.example.com/globex' }, status: 201 }),
  'GET /api/v1/webhooks/{id}': () => ({ status: 404 }),
  'PATCH /api/v1/webhooks/{id}': () => ({ body: { url: 'https://evil.example.com' }, status: 404 }),
  'DELETE /api/v1/webhooks/{id}': () => ({ status: 404 }),
  'POST /api/v1/webhooks/{id}/rotate': () => ({ body: {}, status: 404 }),
  'POST /api/v1/webhooks/{id}/test': () => ({ status: 404 }),
  'GET /api/v1/webhooks/{id}/deliveries': () => ({ status: 404 }),
  'GET /v1/keys': () => ({ status: 200 }),
  'POST /v1/keys': () => ({ body: { name: 'ours', type: 'secret' }, status: 201 }),
  'GET /v1/keys/{id}': () => ({ status: 404 }),
  'POST /v1/keys/{id}/rotate': () => ({ body: {}, status: 404 }),
  'DELETE /v1/keys/{id}': () => ({ status: 404 }),
  ...insightsAttempts,
};

describe('what customer support and customer insights know of two organizations', () => {
  const scope = suiteScope();
  let organizations: Ready['organizations'];
  let acme: Ask;
  let rival: Ask;
  let victim: Victim;
  let former: string;
  let volume: string;
  let database: Client;
  before(async () => {
    const directory = await copyQuickstart(scope);
    const file = join(directory, 'organization.yaml');
    const [document] = parseAllDocuments(await readFile(file, 'utf8'));
    document?.setIn(['spec', 'knowledgeBase'], { embedding });
    await writeFile(file, String(document));
    await writeFile(join(directory, 'globex.yaml'), globex);
    const { ready, data } = await startUp(scope, { directory });
    ({ organizations } = ready);
    volume = data;
    database = await connect(scope, ready.databaseUrl);
    acme = askerOf('acme');
    rival = askerOf('globex');
    victim = await furnish();
    const ours = { title: 'Opening hours', content: 'We are open from nine to five.' };
    assert.equal((await rival('POST', '/api/v1/knowledge-base', ours)).status, 200);
    for (const ask of [acme, rival]) {
      await until(async () => {
        const { index } = (await ask('GET', '/api/v1/knowledge-base')).body;
        return index.published > 0 && index.indexed === index.published;
      }, 'the vectors');
    }
    former = await stateOfAcme();
  });

  const listenerOf = (name: string) => organizations.find((one) => one.name === name) ?? assert.fail(name);
  const askerOf = (name: string): Ask => {
    const { baseUrl, token: own } = listenerOf(name);
    return async (method, path, body, token = own) => {
      const answer = await fetch(new URL(path, baseUrl), {
        method,
        headers: {
          ...{ authorization: `Bearer ${token}`, 'x-user-id': 'carl' },
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, text, body: text.startsWith('{') ? JSON.parse(text) : undefined };
    };
  };

  async function furnish(): Promise<Victim> {
    const article = await acme('POST', '/api/v1/knowledge-base', { title: 'Tune it', content: secret });
    const conversation = await acme('POST', '/api/v1/conversations', customer);
    assert.match(conversation.body.response, /brass screw/);
    // Before the webhook, whose deliveries would go on.
    const insights = await furnishInsights(acme, database);
    const hook = { name: 'crm', url: 'https://hooks.example.com/acme' };
    const webhook = await acme('POST', '/api/v1/webhooks', hook);
    const key = await acme('POST', '/v1/keys', { name: 'crm', type: 'secret' });
    return {
      ...{ article: article.body.article_id, conversation: conversation.body.conversation_id },
      ...{ webhook: webhook.body.id, key: key.body.id },
      ...insights,
    };
  }

  const today = new Date().toISOString().slice(0, 10);
  const figures = `?start_date=${today}&end_date=${today}`;

  async function stateOfAcme(): Promise<string> {
    const read = [
      ...['/api/v1/knowledge-base', `/api/v1/knowledge-base/${victim.article}`, '/api/v1/conversations'],
      ...[`/api/v1/conversations/${victim.conversation}`, `/api/v1/analytics${figures}`, '/v1/keys'],
      ...['/api/v1/webhooks', `/api/v1/webhooks/${victim.webhook}/deliveries`],
      ...['/api/v1/review/items', `/api/v1/review/items/${victim.item}`, '/api/v1/ai/training-jobs'],
      ...['/api/v1/ai/deployments', `/api/v1/ai/training-job/${victim.job}/logs`, victim.picture],
    ];
    const answers = await Promise.all(read.map((path) => acme('GET', path)));
    for (const { status, text } of answers) assert.equal(status, 200, text);
    // The envelope says when it was answered.
    return answers.map(({ text }) => text.replace(/,"timestamp":"[^"]*"\}$/, '}')).join('\n');
  }

  const pathOf = (route: string) => {
    const id = route.includes('/webhooks') ? victim.webhook : victim.key;
    const filled = insightsPathOf(route, victim)
      .replace('{conversation_id}', victim.conversation)
      .replace('{article_id}', victim.article)
      .replace('{id}', id);
    return filled === '/api/v1/analytics' ? filled + figures : filled;
  };

  it('has a line for every route', async () => {
    const { paths } = (await rival('GET', '/openapi.json')).body;
    const known = Object.entries(paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const ours =
      / (\/api\/v1\/(conversations|knowledge-base|analytics|webhooks|auth|analyze|privacy|fairness|generate|review|ai)|\/v1\/keys|\/websocket)(\/|$)/;
    assert.deepEqual(known.filter((route) => ours.test(route)).sort(), Object.keys(attempts).sort());
  });

  for (const [route, attempt] of Object.entries(attempts)) {
    it(`${route} shows nothing of the other one, and changes nothing there`, async () => {
      const [method = '', path = ''] = route.split(' ');
      const { body, status } = attempt(victim);
      const answer = await rival(method, pathOf(path), body);
      assert.equal(answer.status, status, answer.text);
      // Whoever sends an id knows it. Nothing that globex did not send is in its answers.
      const sent = `${pathOf(path)} ${JSON.stringify(body)}`;
      for (const mark of ['brass', 'xylophone', 'Tune it', 'hooks.example.com/acme', ...Object.values(victim)]) {
        if (!sent.includes(mark)) assert.ok(!answer.text.includes(mark), `${mark} in ${answer.text}`);
      }
      // Those need no credential.
      if (/\/auth\/log|\/auth\/refresh|\/visualizations\//.test(path)) return;
      const ofAcme = await acme(method, pathOf(path), body, listenerOf('globex').token);
      assert.equal(ofAcme.status, 401, 'acme does not know the credentials of globex');
    });
  }

  it('is untouched afterwards', async () => assert.equal(await stateOfAcme(), former));

  it('is told to nobody by a search, neither by words nor by vectors, nor by an answer', async () => {
    for (const query of [customer.message, secret, 'screw quarter brass', 'adjusting a percussion instrument']) {
      const { body } = await rival('POST', '/api/v1/knowledge-base/search', { query, limit: 50 });
      assert.equal(body.ranked_by, 'words_and_vectors');
      for (const { title } of body.results) assert.equal(title, 'Opening hours');
    }
    const { body } = await rival('POST', '/api/v1/conversations', customer);
    assert.ok(!body.response.includes('brass'), body.response);
    assert.ok(!body.sources.includes(victim.article));
    const own = await acme('POST', '/api/v1/knowledge-base/search', { query: customer.message });
    assert.equal(own.body.results[0].article_id, victim.article);
  });

  it('is told to those who watch their own organization only', async () => {
    const watch = async (name: string) => {
      const { baseUrl, token } = listenerOf(name);
      const address = new URL('/websocket', baseUrl.replace(/^http/, 'ws'));
      address.searchParams.set('token', token);
      const socket = new WebSocket(address);
      scope.after(() => socket.close());
      const seen: string[] = [];
      socket.onmessage = ({ data }) => void seen.push(String(data));
      await until(() => seen.some((one) => one.includes('system_status')), 'the session');
      return (id: string) => seen.some((one) => one.includes(id));
    };
    const [ofAcme, ofGlobex] = [await watch('acme'), await watch('globex')];
    const queue = async (ask: Ask) =>
      (await ask('POST', '/api/v1/review/queue', { query: 'Q', response: 'A', category: 'live' })).body.data.item_id;
    const [first, second] = [await queue(acme), await queue(rival)];
    await until(() => ofAcme(first) && ofGlobex(second), 'each to hear of its own');
    assert.deepEqual([ofAcme(second), ofGlobex(first)], [false, false]);
  });

  it('is in no file of the other one, nor in one that both are in', async () => {
    const paths = (await readdir(volume, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(volume, join(parentPath, name)))
      .filter((path) => !path.startsWith('postgres/'));
    for (const name of ['acme', 'globex'])
      assert.ok(
        paths.some((path) => path.startsWith(`proxies/${name}/`) && path.endsWith('.spool')),
        name,
      );
    const unknown: string[] = [];
    for (const path of paths) {
      const [kind, whose] = fileKinds.find(([known]) => known.test(path)) ?? [];
      if (!kind) unknown.push(path);
      // It may be gone meanwhile.
      const text = await readFile(join(volume, path), 'latin1').catch(() => '');
      const isOfGlobex = whose === 'one' && kind?.exec(path)?.[1] === 'globex';
      const marks = ['brass', 'xylophone', 'Tune it', ...(isOfGlobex ? Object.values(victim) : [])];
      for (const mark of marks) assert.ok(!text.includes(mark), `${mark} in ${path}`);
    }
    assert.deepEqual(unknown, [], 'a new kind of file needs a line in fileKinds');
    assert.equal((await stat(volume)).mode & 0o077, 0, 'nobody else reads them');
  });

  it('is counted for its own figures only', async () => {
    const read = async (ask: Ask) => (await ask('GET', `/api/v1/analytics${figures}`)).body.metrics.total_conversations;
    assert.deepEqual([await read(acme), await read(rival)], [1, 1]);
  });
});
