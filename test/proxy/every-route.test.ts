import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, it } from 'node:test';
import { Client } from 'pg';
import type { OperationName } from '../../proxy/providers/operation-name.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { startStackWorker } from '../worker/webhooks/start.ts';
import { everyModel, openRealtime, says } from './sockets/realtime-client.ts';
import { openResponses } from './sockets/responses-client.ts';

const rules = `
  limits:
    - {name: one, per: User, match: {users: ["limited-*"]}, requests: {count: 1, window: 24h}, whenUnavailable: Deny}
  budgets:
    - {name: poor, per: User, match: {users: ["poor-*"]}, amountUsd: "0.000000001", window: Total, whenUnavailable: Deny}
  guardrails:
    - {name: words, action: Block, match: {users: ["guarded-*"]}, appliesTo: Input, words: {words: [forbidden]}}
  cache: {scope: User, ttl: 1h, match: {users: ["cached-*"]}}
  models:
    deny: ["gpt-4-turbo"]
    aliases:
${[
  'gpt-4o',
  'gpt-3.5-turbo-instruct',
  'text-embedding-3-small',
  'omni-moderation-latest',
  'gpt-image-1',
  'dall-e-2',
  'tts-1',
  'whisper-1',
  'gpt-realtime',
]
  .map((model) => `      - {name: my-${model}, model: ${model}}`)
  .join('\n')}
    ceilings:
      - {name: short, action: Refuse, match: {users: ["capped-*"]}, maxOutputTokens: 20}
`;

/** What a rule of each kind does to a call. Text: why there is no such rule for the route. */
interface Expected {
  readonly limit: true | string;
  readonly budget: true | string;
  readonly guardrail: true | string;
  readonly model: true | string;
  readonly alias: true | string;
  readonly ceiling: true | string;
  readonly cache: 'hit' | 'bypass' | string;
}

interface Asked {
  readonly user: string;
  readonly text: string;
  readonly model: string;
}

interface Route {
  readonly operation: OperationName | 'analysis';
  readonly model: string;
  /** @returns the error's code and X-Cache; undefined where there is none */
  readonly call: (asked: Asked) => Promise<Outcome>;
  readonly expected: Expected;
}

/** Templates of analyses, by the model that writes them. */
const templates = { usual: 'gpt-4o', denied: 'gpt-4-turbo', aliased: 'my-gpt-4o' };

async function stateTemplate(directory: string, name: string, model: string): Promise<void> {
  const config = {
    ...{ apiVersion: 'chaperone.dev/v1alpha1', kind: 'AnalysisConfig', metadata: { name } },
    spec: { organizationRef: { name: 'acme' }, name, template: { type: 'custom', instructions: 'List it.', model } },
  };
  await appendFile(join(directory, 'analysis.yaml'), `\n---\n${JSON.stringify(config)}\n`);
}

interface Outcome {
  readonly code: string | undefined;
  readonly cache?: string | null;
}

const everything: Expected = {
  ...{ limit: true, budget: true, guardrail: true, model: true, alias: true, ceiling: true },
  cache: 'hit',
};
const noOutput = { ceiling: 'its answers have no tokens to bound' };
const noText = { guardrail: 'its body has no text' };
const ofArticles = 'it has no user, so test/worker/index-knowledge.test.ts has rules of the organization for it';
const socket = { cache: 'answers in sockets have no headers, and are not kept' };

/** Every way in, with a rule of every kind: a new operation needs a line, and a thought. */
describe('every kind of rule on every route', () => {
  const scope = suiteScope();
  let stack: Stack;
  let db: Client;
  let admin: string;
  before(async () => {
    stack = await startStack(scope, {
      ownProcess: true,
      prepare: async (directory) => {
        await everyModel(rules)(directory);
        for (const [name, model] of Object.entries(templates)) await stateTemplate(directory, name, model);
      },
    });
    db = new Client({ connectionString: stack.database.url });
    await db.connect();
    scope.after(() => db.end());
    admin = await stack.sign({ roles: ['admin'] });
    await startStackWorker(scope, stack);
  });

  const send = async (path: string, user: string, body: object | FormData, token = stack.token): Promise<Outcome> => {
    const isForm = body instanceof FormData;
    const response = await fetch(`${stack.baseUrl}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'x-user-id': user,
        'x-session-id': `of-${user}`,
        ...(!isForm && { 'content-type': 'application/json' }),
        ...(path === '/messages' && { 'anthropic-version': '2023-06-01' }),
      },
      body: isForm ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const cache = response.headers.get('x-cache');
    if (response.ok) return { code: undefined, cache };
    const { error } = JSON.parse(text);
    return { code: error.details?.error_code ?? error.code ?? error.type ?? text, cache };
  };
  const json =
    (path: string, bodyOf: (asked: Asked) => object): Route['call'] =>
    (asked) =>
      send(path, asked.user, { model: asked.model, ...bodyOf(asked) });
  const form =
    (path: string, fields: (asked: Asked) => Readonly<Record<string, string | File>>): Route['call'] =>
    (asked) => {
      const body = new FormData();
      for (const [name, value] of Object.entries({ model: asked.model, ...fields(asked) })) body.set(name, value);
      return send(path, asked.user, body);
    };

  const sendBatch: Route['call'] = async ({ user, text, model }) => {
    const line = { model, input: text, max_output_tokens: 500 };
    const input = JSON.stringify({ custom_id: 'one', method: 'POST', url: '/v1/responses', body: line });
    const body = new FormData();
    body.set('purpose', 'batch');
    body.set('file', new File([input], 'batch.jsonl'));
    const uploaded = await fetch(`${stack.baseUrl}/files`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': user },
      body,
    });
    const file = (await uploaded.json()) as { id: string; error: { code: string } };
    if (!uploaded.ok) return { code: file.error.code };
    const batch = { input_file_id: file.id, endpoint: '/v1/responses', completion_window: '24h' };
    return send('/batches', user, batch);
  };

  /** What a client of the socket cannot read. */
  const refusalOfUpgrade = async (user: string, model: string) => {
    const sent = request(`${stack.baseUrl}/realtime?model=${model}`, {
      headers: {
        ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...{ authorization: `Bearer ${stack.token}`, 'x-user-id': user },
      },
    });
    sent.end();
    const [answer] = await once(sent, 'response');
    return String(JSON.parse(await text(answer)).error.code);
  };

  const talk: Route['call'] = async ({ user, text: said, model }) => {
    const realtime = await openRealtime(scope, stack, { model, headers: { 'x-user-id': user } }).catch(() => undefined);
    if (!realtime) return { code: await refusalOfUpgrade(user, model) };
    try {
      realtime.send({
        type: 'session.update',
        session: {
          ...{ type: 'realtime', output_modalities: ['text'], max_output_tokens: 500 },
          audio: { input: { turn_detection: null } },
        },
      });
      realtime.send(says(said));
      realtime.send({ type: 'response.create' });
      const ended = await Promise.race([realtime.next('response.done'), realtime.next('error')]);
      return { code: ended.type === 'error' ? String(ended.error.code) : undefined };
    } finally {
      realtime.socket.terminate();
    }
  };

  const respondInSocket: Route['call'] = async ({ user, text, model }) => {
    const session = await openResponses(scope, stack, { 'x-user-id': user });
    try {
      session.create({ model, input: text, max_output_tokens: 500 });
      const ended = await Promise.race([session.next('response.completed'), session.next('error')]);
      return { code: ended.type === 'error' ? String(ended.error.code) : undefined };
    } finally {
      session.socket.terminate();
    }
  };

  const analyze: Route['call'] = async ({ user, text, model }) => {
    const response = await fetch(`${stack.baseUrl}/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'free', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o', input: `For ${user}` }),
    });
    const id = response.headers.get('x-request-id');
    const categories = [{ name: 'one', description: 'One' }];
    const custom_prompt = `${text} ${Math.random()}: {user_input}`;
    return send(
      '/analysis',
      user,
      { id, config: { analysis_type: 'intent', categories, model, custom_prompt } },
      admin,
    );
  };

  /** A worker makes the call for whoever wants the analysis. One that may be tried again has not failed yet. */
  const analyzeByWorker: Route['call'] = async ({ user, text, model }) => {
    const ask = (path: string, who: string, body: object) =>
      fetch(new URL(path, stack.baseUrl), {
        method: 'POST',
        headers: { authorization: `Bearer ${admin}`, 'x-user-id': who, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const messages = [{ role: 'user', content: `${text}, for ${user} (${Math.random()})` }];
    const said = await ask('/v1/chat/completions', 'free', { model: 'gpt-4o', messages });
    const conversationId = said.headers.get('x-conversation-id');
    const [template] = Object.entries(templates).find(([, one]) => one === model) ?? [];
    const asked = await ask('/api/analyses', user, { conversationId, branchId: 'main', template });
    const { id, error } = (await asked.json()) as { id: string; error?: { code: string } };
    if (error) return { code: error.code };
    const code = await until(async () => {
      const { rows } = await db.query<{ status: string; code: string | null; failure: string | null }>(
        `select a.status, a.error_code as code, j.last_error as failure
         from chaperone.conversation_analyses a left join graphile_worker._private_jobs j on j.id = a.job_id
         where a.id = $1`,
        [id],
      );
      const [row] = rows;
      if (row?.status === 'completed') return 'none';
      return row?.code ?? row?.failure?.split(':')[0];
    }, 'the end of the analysis, or of an attempt');
    return { code: code === 'none' ? undefined : code };
  };

  const picture = () => new File([Buffer.from('89504e470d0a1a0a', 'hex')], 'a.png', { type: 'image/png' });
  const chatBody = ({ text }: Asked) => ({ messages: [{ role: 'user', content: text }], max_tokens: 500 });
  const responseBody = ({ text }: Asked) => ({ input: text, max_output_tokens: 500, store: false });

  const routes: Readonly<Record<string, Route>> = {
    chat: { operation: 'chat', model: 'gpt-4o', call: json('/chat/completions', chatBody), expected: everything },
    'chat, streamed': {
      ...{ operation: 'chat', model: 'gpt-4o', expected: everything },
      call: json('/chat/completions', (asked) => ({ ...chatBody(asked), stream: true })),
    },
    responses: {
      operation: 'responses',
      model: 'gpt-4o',
      call: json('/responses', responseBody),
      expected: everything,
    },
    'responses, streamed': {
      ...{ operation: 'responses', model: 'gpt-4o', expected: everything },
      call: json('/responses', (asked) => ({ ...responseBody(asked), stream: true })),
    },
    'responses, in the background': {
      ...{ operation: 'responses', model: 'gpt-4o', expected: { ...everything, cache: 'bypass' } },
      call: json('/responses', ({ text }) => ({ input: text, max_output_tokens: 500, background: true })),
    },
    'responses over a WebSocket': {
      ...{ operation: 'responses', model: 'gpt-4o', call: respondInSocket },
      expected: { ...everything, ...socket },
    },
    compact: {
      ...{ operation: 'compact', model: 'gpt-4o', call: json('/responses/compact', ({ text }) => ({ input: text })) },
      expected: { ...everything, ...noOutput, cache: 'bypass' },
    },
    realtime: { operation: 'realtime', model: 'gpt-realtime', call: talk, expected: { ...everything, ...socket } },
    messages: { operation: 'messages', model: 'gpt-4o', call: json('/messages', chatBody), expected: everything },
    'messages, streamed': {
      ...{ operation: 'messages', model: 'gpt-4o', expected: everything },
      call: json('/messages', (asked) => ({ ...chatBody(asked), stream: true })),
    },
    completions: {
      ...{ operation: 'completions', model: 'gpt-3.5-turbo-instruct', expected: everything },
      call: json('/completions', ({ text }) => ({ prompt: text, max_tokens: 500 })),
    },
    embeddings: {
      ...{ operation: 'embeddings', model: 'text-embedding-3-small', expected: { ...everything, ...noOutput } },
      call: json('/embeddings', ({ text }) => ({ input: text })),
    },
    moderations: {
      ...{ operation: 'moderations', model: 'omni-moderation-latest' },
      call: json('/moderations', ({ text }) => ({ input: text })),
      expected: { ...everything, ...noOutput },
    },
    'images, made': {
      ...{ operation: 'image_generations', model: 'gpt-image-1', expected: { ...everything, ...noOutput } },
      call: json('/images/generations', ({ text }) => ({ prompt: text })),
    },
    'images, edited': {
      ...{ operation: 'image_edits', model: 'gpt-image-1', expected: { ...everything, ...noOutput, cache: 'bypass' } },
      call: form('/images/edits', ({ text }) => ({ prompt: text, image: picture() })),
    },
    'images, varied': {
      ...{ operation: 'image_variations', model: 'dall-e-2' },
      call: form('/images/variations', () => ({ image: picture() })),
      expected: { ...everything, ...noOutput, ...noText, cache: 'bypass' },
    },
    speech: {
      ...{ operation: 'speech', model: 'tts-1', expected: { ...everything, ...noOutput } },
      call: json('/audio/speech', ({ text }) => ({ input: text, voice: 'alloy' })),
    },
    transcriptions: {
      ...{ operation: 'transcriptions', model: 'whisper-1', expected: { ...everything, ...noOutput } },
      call: form('/audio/transcriptions', ({ text }) => ({ prompt: text, file: new File(['sound'], 'a.wav') })),
    },
    translations: {
      ...{ operation: 'translations', model: 'whisper-1', expected: { ...everything, ...noOutput } },
      call: form('/audio/translations', ({ text }) => ({ prompt: text, file: new File(['sound'], 'a.wav') })),
    },
    batches: {
      ...{ operation: 'batches', model: 'gpt-4o', call: sendBatch },
      expected: { ...everything, alias: 'a line of a batch names its model itself', cache: 'bypass' },
    },
    analyses: {
      ...{ operation: 'analysis', model: 'gpt-4o', call: analyze },
      expected: { ...everything, ceiling: 'it says how long its answer may be', cache: 'an analysis has its own' },
    },
    'analyses of conversations, streamed, by a worker': {
      ...{ operation: 'analysis', model: 'gpt-4o', call: analyzeByWorker },
      expected: { ...everything, ceiling: 'it asks for no length', cache: 'nobody reads its headers' },
    },
    'vectors of articles, by a worker': {
      ...{ operation: 'embeddings', model: 'text-embedding-3-small', call: async () => ({ code: undefined }) },
      expected: {
        ...{ limit: ofArticles, budget: ofArticles, guardrail: ofArticles, model: ofArticles },
        ...{ alias: ofArticles, ...noOutput, cache: 'nobody reads its headers' },
      },
    },
  };

  it('every operation has a line', () => {
    const listed = new Set(Object.values(routes).map(({ operation }) => operation));
    const all: Record<OperationName, true> = {
      ...{ responses: true, compact: true, batches: true, chat: true, messages: true, completions: true },
      ...{ embeddings: true, moderations: true, image_generations: true, image_edits: true, image_variations: true },
      ...{ speech: true, transcriptions: true, translations: true, realtime: true },
    };
    for (const operation of Object.keys(all)) assert.ok(listed.has(operation as OperationName), operation);
  });

  for (const [name, { call, model, expected }] of Object.entries(routes)) {
    const slug = name.replaceAll(/[^a-z]+/gi, '-');
    /** On a slow machine, PostgreSQL may not answer in time. */
    const ask = (kind: string, more: Partial<Asked> = {}) =>
      until(async () => {
        const outcome = await call({ user: `${kind}-${slug}`, text: 'Say hello', model, ...more });
        return outcome.code !== 'quota_unavailable' && outcome;
      }, 'PostgreSQL to answer');
    const check = (kind: keyof Expected, title: string, run: () => Promise<void>) => {
      const why = expected[kind];
      it(`${name}: ${title}`, { skip: why !== true && why !== 'hit' && why !== 'bypass' && String(why) }, run);
    };

    check('limit', 'a limit', async () => {
      assert.deepEqual([(await ask('limited')).code, (await ask('limited')).code], [undefined, 'limit_reached']);
    });
    check('budget', 'a budget', async () => assert.equal((await ask('poor')).code, 'insufficient_quota'));
    check('guardrail', 'a guardrail', async () => {
      assert.equal((await ask('guarded', { text: 'Say forbidden things' })).code, 'guardrail_blocked');
    });
    check('model', 'a model that is denied', async () => {
      assert.equal((await ask('any', { model: 'gpt-4-turbo' })).code, 'model_not_allowed');
    });
    check('ceiling', 'a ceiling', async () => assert.equal((await ask('capped')).code, 'ceiling_exceeded'));
    check('alias', 'an alias', async () => {
      const user = `alias-${slug}`;
      assert.equal((await ask('alias', { model: `my-${model}` })).code, undefined);
      await until(async () => {
        const { rows } = await db.query(
          `select 1 from chaperone.requests r join chaperone.users u using (organization_id, user_id)
           where u.external_id = $1 and r.model_alias = $2 and r.requested_model = $3
           union all
           select 1 from chaperone.pending_calls p
           where p.record ->> 'user_external_id' = $1 and p.record ->> 'model_alias' = $2`,
          [user, `my-${model}`, model],
        );
        return rows.length > 0;
      }, 'the record with the alias and its model');
    });
    check('cache', 'the cache', async () => {
      const seen = [(await ask('cached')).cache, (await ask('cached')).cache];
      assert.deepEqual(seen, expected.cache === 'hit' ? ['miss', 'hit'] : ['bypass', 'bypass']);
    });
  }
});
