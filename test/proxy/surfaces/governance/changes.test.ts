import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { addJobOf } from '../../../../database/jobs.ts';
import { connect } from '../../../database/tenant.ts';
import { atEnd, suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';
import { until } from '../../../until.ts';
import { type Ask, makeAsk } from './ask.ts';

interface Heard {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape
  readonly data: any;
}

/** What changes, as those who watch hear it. */
describe('/v1/changes', () => {
  const scope = suiteScope();
  let stack: Stack;
  let ask: Ask;
  let owner: Client;
  let organizationId: string;

  before(async () => {
    stack = await startStack(scope);
    ask = makeAsk(stack);
    owner = await connect(scope, stack.database.url);
    const { rows } = await owner.query('select organization_id as id from chaperone.organizations');
    organizationId = rows[0].id;
  });

  const headersOf = async (user: string, roles: readonly string[]) => ({
    authorization: `Bearer ${await stack.sign({ user, roles })}`,
    'x-user-id': user,
  });
  /** Hears everything from now on. */
  const watch = async (topics: string, headers: Record<string, string>) => {
    const leaving = new AbortController();
    atEnd(scope, () => leaving.abort());
    const {
      status,
      body,
      headers: answered,
    } = await fetch(`${stack.baseUrl}/changes?topics=${topics}`, {
      headers,
      signal: leaving.signal,
    });
    assert.equal(status, 200);
    assert.equal(answered.get('content-type'), 'text/event-stream');
    const heard: Heard[] = [];
    const reading = read(body, heard);
    await until(() => heard.some(({ event }) => event === 'ready'), 'the stream to be ready');
    return { heard, reading, leave: () => leaving.abort() };
  };
  const read = async (body: ReadableStream<Uint8Array> | null, heard: Heard[]) => {
    let text = '';
    try {
      for await (const chunk of body ?? []) {
        text += Buffer.from(chunk).toString();
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
          const [, event, data] = /^event: (.+)\ndata: (.+)$/.exec(block) ?? [];
          if (event && data) heard.push({ event, data: JSON.parse(data) });
        }
      }
    } catch (error) {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    }
  };
  const topicsOf = (heard: readonly Heard[]) =>
    heard.filter(({ event }) => event === 'changed').flatMap(({ data }) => data.topics as string[]);
  const hears = (heard: readonly Heard[], topic: string) =>
    until(() => topicsOf(heard).includes(topic), `${topic} to be told`);
  const call = (user: string) => ask('POST', '/responses', { model: 'gpt-4o', input: 'Hi' }, { 'x-user-id': user });

  it('tells those who see the organization of every call, and members of their own', async () => {
    const analyst = await watch('requests', await headersOf('ann', ['analyst']));
    const ada = await watch('requests', await headersOf('ada', ['member']));
    await call('bob');
    await hears(analyst.heard, 'requests');
    assert.deepEqual(topicsOf(ada.heard), []);
    await call('ada');
    await hears(ada.heard, 'requests');
    for (const { leave, reading } of [analyst, ada]) {
      leave();
      await reading;
    }
  });

  it('tells an admin of entries of the audit log, deliveries, jobs and reviews', async () => {
    const headers = await headersOf('root', ['admin']);
    const { heard, leave } = await watch('audit,webhooks,jobs,reviews', headers);
    const webhook = { name: 'a', url: 'https://hooks.example.com/a' };
    const made = await ask('POST', '/webhooks', webhook, headers);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    await Promise.all([hears(heard, 'audit'), hears(heard, 'webhooks')]);
    await addJobOf(owner, organizationId, { task: 'settle-calls', id: 'x' });
    await hears(heard, 'jobs');
    const { origin } = new URL(stack.baseUrl);
    const queued = await fetch(`${origin}/api/v1/review/queue`, {
      ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
      body: JSON.stringify({ query: 'x', response: 'y', category: 'z' }),
    });
    assert.equal(queued.status, 200, await queued.text());
    await hears(heard, 'reviews');
    leave();
  });

  it('ends with its credential', async () => {
    const headers = await headersOf('root', ['admin']);
    const made = await ask('POST', '/keys', { name: 'k', type: 'secret', roles: ['admin'] }, headers);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { heard, reading } = await watch('requests,audit', {
      ...{ authorization: `Bearer ${made.body.key}`, 'x-user-id': 'root' },
    });
    assert.equal((await ask('DELETE', `/keys/${made.body.id}`, undefined, headers)).status, 200);
    await reading;
    const last = heard.at(-1);
    assert.deepEqual([last?.event, last?.data.error.code], ['end', 'invalid_credentials']);
  });

  it('refuses topics that are not the caller’s, or that do not exist', async () => {
    const member = await headersOf('ada', ['member']);
    for (const [topics, status, code] of [
      ['audit', 403, 'role_required'],
      ['requests,jobs', 403, 'role_required'],
      ['reviews', 403, 'role_required'],
      ['weather', 400, 'invalid_request'],
      ['', 400, 'invalid_request'],
    ] as const) {
      const { status: got, body } = await ask('GET', `/changes?topics=${topics}`, undefined, member);
      assert.deepEqual([got, body.error.code], [status, code], topics);
    }
    assert.equal((await ask('GET', '/changes', undefined, member)).body.error.param, 'topics');
  });
});
