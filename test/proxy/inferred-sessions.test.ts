import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { Client } from 'pg';
import { replaceFile } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const fresh = /^sess_[0-9a-f]{24}$/;
const hi = { model: 'gpt-4o', input: 'Hi' };

/** `spec.sessions.inferFrom`, through the front door. */
describe('the session of a call without X-Session-ID', () => {
  const scope = suiteScope();
  let stack: Stack;
  let quickstart: string;

  const ask = async (path: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await fetch(`${stack.baseUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', ...headers },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    const id = /"id": ?"((resp|conv)_\w+)"/.exec(text)?.[1] ?? '';
    return { status: answer.status, session: answer.headers.get('x-session-id') ?? '', id };
  };
  const respond = (body: object, headers?: Readonly<Record<string, string>>) =>
    ask('/responses', { ...hi, ...body }, headers);
  /** States the sources, and waits until they are in force: until `probe` says so. */
  const infer = async (sources: readonly string[], probe: () => Promise<boolean>) => {
    await replaceFile(join(stack.directory, 'organization.yaml'), withSources(quickstart, sources));
    await until(probe, `sessions from ${sources.join(', ')}`);
  };
  const followsOn = async (inherits: boolean) => {
    const first = await respond({});
    return ((await respond({ previous_response_id: first.id })).session === first.session) === inherits;
  };
  const takesClients = async (takes: boolean) =>
    ((await respond({}, { 'session-id': 'probe' })).session === 'probe') === takes;

  before(async () => {
    stack = await startStack(scope);
    quickstart = (await readFile(join(stack.directory, 'organization.yaml'), 'utf8')).replace(
      / {2}sessions:\n( {4}.*\n)+/,
      '',
    );
    await infer([], () => followsOn(false));
  });

  it('is a new one where the Organization infers none', async () => {
    const first = await respond({ prompt_cache_key: 'k' }, { 'session-id': 's' });
    const next = await respond({ previous_response_id: first.id });
    for (const { status, session } of [first, next]) {
      assert.equal(status, 200);
      assert.match(session, fresh);
    }
    assert.notEqual(first.session, next.session);
  });

  it('is that of the response that it follows, but never another user’s', async () => {
    await infer(['PreviousResponse'], () => followsOn(true));
    const first = await respond({}, { 'x-session-id': 'chat-1' });
    const second = await respond({ previous_response_id: first.id });
    const third = await respond({ previous_response_id: second.id, stream: true });
    assert.deepEqual(
      [first, second, third].map(({ session }) => session),
      ['chat-1', 'chat-1', 'chat-1'],
    );
    const named = await respond({ previous_response_id: first.id }, { 'x-session-id': 'chat-2' });
    assert.equal(named.session, 'chat-2');
    const stranger = await respond({ previous_response_id: first.id }, { 'x-user-id': 'bob' });
    assert.equal(stranger.status, 400);
    assert.match(stranger.session, fresh);
    const client = await respond({ prompt_cache_key: 'k' }, { 'session-id': 's' });
    assert.match(client.session, fresh);
  });

  it('is its conversation, else the session that the client names', async () => {
    await infer(['ClientSession', 'Conversation', 'PreviousResponse'], () => takesClients(true));
    const conversation = (await ask('/conversations', {})).id;
    assert.match(conversation, /^conv_/);
    const table: readonly (readonly [object, Readonly<Record<string, string>>, string | RegExp])[] = [
      [{}, {}, fresh],
      [{ conversation }, {}, conversation],
      [{ conversation: { id: conversation }, prompt_cache_key: 'k' }, { 'session-id': 's' }, conversation],
      [{ conversation }, { 'x-session-id': 'mine' }, 'mine'],
      [{ prompt_cache_key: 'k' }, {}, 'k'],
      [{ prompt_cache_key: 'k' }, { 'session-id': 's' }, 's'],
      [{ prompt_cache_key: 'k' }, { session_id: 's' }, 's'],
      [{ prompt_cache_key: 'k' }, { 'x-session-id': 'mine' }, 'mine'],
      [{ prompt_cache_key: ' ' }, { 'session-id': ' ' }, fresh],
      // What no header could hold stands as a digest, the same each time.
      [{ prompt_cache_key: 'a\nb' }, {}, fresh],
    ];
    for (const [body, headers, expected] of table) {
      const { status, session } = await respond(body, headers);
      assert.equal(status, 200, JSON.stringify(body));
      if (typeof expected === 'string') assert.equal(session, expected, JSON.stringify([body, headers]));
      else assert.match(session, expected, JSON.stringify([body, headers]));
    }
    const odd = { prompt_cache_key: 'a\nb' };
    assert.equal((await respond(odd)).session, (await respond(odd)).session);
    const chat = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }], prompt_cache_key: 'opencode' };
    assert.equal((await ask('/chat/completions', chat)).session, 'opencode');
    const failed = await respond({ prompt_cache_key: 'k', metadata: { sandbox: 'reset' } });
    assert.deepEqual([failed.status, failed.session], [502, 'k'], 'what is refused upstream is of the session, too');
  });

  it('is in the records, separate for each user', async () => {
    const first = await respond({}, { 'session-id': 'shared-name' });
    const other = await respond({}, { 'session-id': 'shared-name', 'x-user-id': 'bob' });
    const next = await respond({ previous_response_id: first.id });
    const database = new Client({ connectionString: stack.database.url });
    await database.connect();
    try {
      const rows = await until(async () => {
        const found = await database.query(
          `select user_id, count(*)::int as calls from chaperone.requests
           where session_id = 'shared-name' group by user_id order by calls`,
        );
        return found.rows.reduce((sum, { calls }) => sum + calls, 0) === 3 && found.rows;
      }, 'the records');
      assert.deepEqual(
        rows.map(({ calls }) => calls),
        [1, 2],
      );
    } finally {
      await database.end();
    }
    assert.deepEqual([other.status, next.session], [200, 'shared-name']);
  });
});

function withSources(organization: string, sources: readonly string[]): string {
  const field = sources.length > 0 ? `  sessions: {inferFrom: [${sources.join(', ')}]}\n` : '';
  return `${organization.trimEnd()}\n${field}`;
}
