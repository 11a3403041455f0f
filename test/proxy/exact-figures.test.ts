import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { connect } from '../database/tenant.ts';
import { countLockWaiters } from '../lock-waiters.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { type GovernedStack, startGovernedStack } from './quota/governed-stack.ts';

/** Figures are exact at once after the answer that made them, or they are not answered. */
describe('figures while records are on their way', () => {
  const scope = suiteScope();
  let stack: GovernedStack;
  before(async () => {
    stack = await startGovernedStack(scope);
    await stack.state('limits: [{ name: calls, per: Organization, requests: { count: 1000, window: 1h } }]');
  });

  const get = (path: string) =>
    fetch(`${stack.baseUrl.replace(/\/v1$/, '')}${path}`, {
      headers: { 'x-api-key': stack.token, 'x-user-id': 'ada' },
    });
  // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
  const read = async (path: string): Promise<any> => {
    const answer = await get(path);
    assert.equal(answer.status, 200, path);
    return answer.json();
  };
  const call = async (): Promise<string> => {
    const { response } = await stack
      .client('ada')
      .chat.completions.create(
        { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Where is my parcel?' }] },
        { headers: { 'X-Session-ID': 'exact' } },
      )
      .withResponse();
    return response.headers.get('x-conversation-id') ?? '';
  };
  /** Records cannot arrive until this is released; what is stored can be read. */
  const holdInserts = async () => {
    const holder = await connect(scope, stack.database.url);
    await holder.query('begin');
    await holder.query('lock table chaperone.requests in share mode');
    return () => holder.query('rollback');
  };
  const anInsertWaits = async () => (await countLockWaiters(stack.owner, 'requests')) > 0;
  const entries = async () => (await read('/api/v1/sessions/exact/costs')).total_entries;

  it('a read waits for the calls that were answered before it', async () => {
    await call();
    assert.equal(await entries(), 1);
    const release = await holdInserts();
    await call();
    let isAnswered = false;
    const reading = Promise.all([entries(), read('/v1/analytics/user-usage?user_id=ada')]).finally(() => {
      isAnswered = true;
    });
    await until(anInsertWaits, 'the record to wait for the lock');
    assert.equal(isAnswered, false);
    await release();
    const [count, usage] = await reading;
    assert.equal(count, 2);
    assert.equal(usage.total_requests, 2);
  });

  it('a read that would lack a call is refused, and exact once the call has arrived', async () => {
    const before = await entries();
    const release = await holdInserts();
    const conversation = await call();
    const paths = [
      '/api/v1/sessions/exact/costs',
      '/api/v1/sessions/exact/metrics',
      '/v1/analytics/sessions',
      '/v1/limits',
      '/api/conversations',
      `/api/conversations/${conversation}`,
    ];
    const answers = await Promise.all(paths.map(get));
    for (const [index, answer] of answers.entries()) {
      const path = paths[index] ?? '';
      assert.equal(answer.status, 503, path);
      assert.equal(answer.headers.get('retry-after'), '1', path);
      assert.match(await answer.text(), /still on their way to the database/, path);
    }
    await release();
    assert.equal(await entries(), before + 1);
    assert.equal((await read(`/api/conversations/${conversation}`)).conversationId, conversation);
  });
});
