import assert from 'node:assert/strict';
import { it } from 'node:test';
import type OpenAI from 'openai';
import { type GovernedStack, refusalOf, startGovernedStack } from '../proxy/quota/governed-stack.ts';
import { until } from '../until.ts';

const limit = 400;

/** Calls until this many were made, or the limit is reached for good. @returns how many were made */
async function callUntilRefused(client: OpenAI): Promise<number> {
  let made = 0;
  let refused = 0;
  while (refused < 40) {
    try {
      await client.embeddings.create({ model: 'text-embedding-3-small', input: 'Hi' });
      made += 1;
      refused = 0;
    } catch {
      // Refused, or its proxy was killed.
      refused += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return made;
}

const counted = async ({ owner }: GovernedStack) => {
  const { rows } = await owner.query<{ counted: string; records: string }>(
    `select (select coalesce(sum(used), 0) from chaperone.quota_counters)
       + (select coalesce(sum(settled), 0) from chaperone.quota_leases) as counted,
       (select count(*) from chaperone.requests) as records`,
  );
  return { counted: Number(rows[0]?.counted), records: Number(rows[0]?.records) };
};

it('two proxies share a limit, and a kill -9 of one neither leaks calls nor loses them', async (t) => {
  const stack = await startGovernedStack(t, { proxies: 2, ownProcess: true });
  await stack.state(`limits: [{name: calls, requests: {count: ${limit}, window: 24h}}]`);
  const [one, other] = stack.proxies;
  assert.ok(one && other);
  const clients = [one, one, other, other].map((proxy, number) => stack.client(`user-${number}`, proxy));
  const all = Promise.all(clients.map(callUntilRefused));
  await until(async () => (await counted(stack)).records > limit / 4, 'a quarter of the calls to be made');
  const pid = one.pid() ?? 0;
  process.kill(pid, 'SIGKILL');
  await until(() => one.pid() !== pid, 'the killed proxy to be started again');
  const made = (await all).reduce((sum, each) => sum + each, 0);
  await until(async () => (await counted(stack)).counted === (await counted(stack)).records, 'the records to arrive');
  const { records } = await counted(stack);
  t.diagnostic(`${made} answered and ${records} recorded calls, of ${limit}`);
  assert.ok(records <= limit, `${records} calls of ${limit}`);
  // A call that the kill cut may have reached the provider, so it counts.
  assert.ok(made <= records && records - made <= 4, `${made} answered, ${records} recorded`);
  // What the killed proxy had leased and not used comes back when its lease has expired.
  const left = await until(
    async () => {
      await stack
        .client('late', other)
        .embeddings.create({ model: 'text-embedding-3-small', input: 'Hi' })
        .catch(() => {});
      return (await counted(stack)).counted >= limit;
    },
    'all of the limit to be used',
    90_000,
  );
  assert.ok(left);
  assert.equal((await counted(stack)).counted, limit);
});

it('while PostgreSQL is away, calls go on with what is leased, and then as whenUnavailable says', async (t) => {
  const stack = await startGovernedStack(t, { ownDatabase: true, ownProcess: true });
  const embed = (user: string) =>
    stack.client(user).embeddings.create({ model: 'text-embedding-3-small', input: 'Hi' });
  await stack.state(`limits:
    - {name: strict, per: User, match: {users: [strict]}, whenUnavailable: Deny, requests: {count: 1000, window: 24h}}
    - {name: lenient, per: User, match: {users: [lenient]}, requests: {count: 1000, window: 24h}}`);
  for (const user of ['strict', 'lenient']) for (let number = 0; number < 3; number += 1) await embed(user);
  await stack.owner.end();
  await stack.database.stop();
  await embed('strict');
  let made = 4;
  const refused = await until(async () => {
    try {
      await embed('strict');
      made += 1;
      return undefined;
    } catch {
      return refusalOf(embed('strict'));
    }
  }, 'what is leased to be used up');
  assert.deepEqual([refused.status, refused.code], [503, 'quota_unavailable']);
  assert.match(refused.message, /the limit strict \(per User\) denies calls that it cannot count/);
  assert.ok(made > 4 && made < 1_000, `${made} calls`);
  for (let number = 0; number < 200; number += 1) await embed('lenient');
  await stack.database.start();
  const { response } = await until(
    async () =>
      embed('strict')
        .withResponse()
        .catch(() => undefined),
    'the limit to be counted again',
  );
  assert.equal(Number(response.headers.get('x-ratelimit-limit-requests')), 1_000);
  await until(async () => {
    const { response: answered } = await embed('lenient').withResponse();
    return Number(answered.headers.get('x-ratelimit-remaining-requests')) < 1_000 - 203;
  }, 'calls that nobody could count to be counted');
});
