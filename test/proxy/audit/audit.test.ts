import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { verifyAudit } from '../../../database/audit/verify.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type GovernedStack, startGovernedStack } from '../quota/governed-stack.ts';
import { type Ask, makeAsk } from '../surfaces/governance/ask.ts';

const rules = `
limits:
  - name: each
    per: User
    match: { users: [limited] }
    requests: { count: 1, window: 1h }
guardrails:
  - name: no-cards
    appliesTo: Input
    action: Block
    pii: { kinds: [card] }
  - name: no-mail
    appliesTo: Output
    action: Block
    pii: { kinds: [email] }
models:
  deny: [gpt-4-turbo]
`;
const card = '4111 1111 1111 1111';

// biome-ignore lint/suspicious/noExplicitAny: entries have every shape
type Shown = any;

describe('the audit log of a proxy', () => {
  const scope = suiteScope();
  let stack: GovernedStack<ProxyProcess>;
  let ask: Ask;
  let organizationId: string;

  before(async () => {
    stack = await startGovernedStack(scope, { ownDatabase: true, ownProcess: true });
    ask = makeAsk(stack);
    await stack.state(rules);
    const { rows } = await stack.owner.query('select organization_id as id from chaperone.organizations');
    organizationId = rows[0]?.id;
  });

  const list = async (query: string): Promise<Shown[]> => (await ask('GET', `/audit?limit=1000&${query}`)).body.entries;
  const call = (user: string, input = 'hi', more: object = {}) =>
    ask('POST', '/responses', { model: 'gpt-4o', input, ...more }, { 'x-user-id': user });

  it('names the rule of each refusal, and never what was found', async () => {
    await call('limited');
    assert.equal((await call('limited')).body.error.code, 'limit_reached');
    assert.equal((await call('ann', `My card is ${card}`)).body.error.code, 'guardrail_blocked');
    assert.equal((await call('ann', 'hi', { model: 'gpt-4-turbo' })).body.error.code, 'model_not_allowed');
    const refusals = await until(async () => {
      const found = await list('kind=refusal');
      return found.length >= 3 && found;
    }, 'the three refusals');
    const shown = refusals.map(({ code, actor, details }) => [
      ...[code, actor.user, details.route, details.status, details.count],
      details.rule,
    ]);
    assert.deepEqual(shown, [
      ['model_not_allowed', 'ann', 'POST /v1/responses', 403, 1, { kind: 'field', name: 'spec.models' }],
      [
        ...['guardrail_blocked', 'ann', 'POST /v1/responses', 400, 1],
        { kind: 'guardrail', name: 'no-cards', detector: 'pii', side: 'Input' },
      ],
      ['limit_reached', 'limited', 'POST /v1/responses', 429, 1, { kind: 'limit', name: 'each' }],
    ]);
    const { rows } = await stack.owner.query('select entry from chaperone.audit_log');
    assert.doesNotMatch(JSON.stringify(rows), /4111|"ann"|limited"/);
  });

  it('has a stream that a guardrail ended in its middle', async () => {
    const client = new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.token, maxRetries: 0 });
    const stream = await client.chat.completions.create(
      { model: 'gpt-4o', stream: true, messages: [{ role: 'user', content: 'Write to ada@example.com' }] },
      { headers: { 'X-User-ID': 'streamer' } },
    );
    await assert.rejects(async () => {
      for await (const _ of stream);
    });
    const [entry] = await until(async () => {
      const found = await list('code=guardrail_blocked&actor=streamer');
      return found.length > 0 && found;
    });
    const { route, rule } = entry.details;
    assert.deepEqual([route, rule.name, rule.side], ['POST /v1/chat/completions', 'no-mail', 'Output']);
  });

  it('counts what repeats, so that nobody can fill the database', async () => {
    const wrong = { authorization: 'Bearer chp_made-up' };
    for (let time = 0; time < 40; time += 1) {
      assert.equal((await ask('POST', '/responses', { model: 'gpt-4o' }, wrong)).status, 401);
    }
    const counted = await until(async () => {
      const found = await list('code=invalid_credentials');
      return found.reduce((sum, { details }) => sum + details.count, 0) === 40 && found;
    });
    assert.ok(counted.length <= 7, `${counted.length} entries`);
    assert.deepEqual([...new Set(counted.map(({ actor }) => actor.user))], [null]);
  });

  it('has what callers change, with their role and the fields, and only the digest of a text', async () => {
    const made = await ask('POST', '/personas', { name: 'kind', content: 'Be kind.', users: ['zoe'] });
    await ask('PATCH', `/personas/${made.body.id}`, { content: 'Be very kind.', is_active: false });
    await ask('PATCH', `/personas/${made.body.id}`, { is_active: false });
    await ask('DELETE', `/personas/${made.body.id}`);
    const [deleted, changed, created, ...more] = await list(`subject=Persona/${made.body.id}`);
    assert.deepEqual(
      [created.action, changed.action, deleted.action, more.length],
      ['created', 'changed', 'deleted', 0],
    );
    assert.deepEqual(created.actor, { user: 'ada', roles: ['admin'] });
    for (const { details } of [created, changed, deleted]) assert.match(details.requestId, /^req_[0-9a-f]{32}$/);
    assert.deepEqual(
      changed.changes.map(({ field, before }: Shown) => [field, before?.length ?? before]),
      [
        ['persona.content', 8],
        ['persona.is_active', true],
      ],
    );
    assert.deepEqual(created.changes.find(({ field }: Shown) => field === 'persona.users').after, ['zoe']);
    assert.doesNotMatch(JSON.stringify([created, changed]), /Be kind|Be very kind/);
  });

  it('keeps nothing of an erased user but a pseudonym, and the erasure itself', async () => {
    await ask('POST', '/users', { user_id: 'erika', display_name: 'Erika M.' });
    await ask('PATCH', '/users/erika', { display_name: 'Erika Mustermann' });
    const [before] = await list('subject=User');
    assert.deepEqual([before.details.user, before.changes], ['erika', [{ field: 'display_name' }]]);
    assert.equal((await ask('POST', '/users/erika/erase')).status, 200);
    const [erased, changed] = await list('subject=User');
    assert.equal(erased.action, 'erased');
    assert.match(erased.details.user, /^person:/);
    assert.deepEqual([changed.details.user, changed.hash], [erased.details.user, before.hash]);
    const { rows } = await stack.owner.query(
      'select l::text as row from chaperone.audit_log l union all select p::text from chaperone.audit_people p',
    );
    assert.doesNotMatch(JSON.stringify(rows), /erika|Erika/);
    assert.equal((await verifyAudit(stack.owner, organizationId, [])).state, 'intact');
  });

  it('has what callers delete at the provider', async () => {
    const { body } = await call('ann');
    assert.equal((await ask('DELETE', `/responses/${body.id}`, undefined, { 'x-user-id': 'ann' })).status, 200);
    const [entry] = await until(async () => {
      const found = await list(`subject=response/${body.id}`);
      return found.length > 0 && found;
    });
    assert.deepEqual([entry.action, entry.actor.user], ['deleted', 'ann']);
  });

  it('is for admins', async () => {
    const headers = {
      authorization: `Bearer ${await stack.sign({ user: 'rita', roles: ['reviewer'] })}`,
      'x-user-id': 'rita',
    };
    const refused = await ask('GET', '/audit', undefined, headers);
    assert.deepEqual([refused.status, refused.body.error.code], [403, 'role_required']);
    const [entry] = await list('actor=rita');
    assert.deepEqual([entry.code, entry.details.route], ['role_required', 'GET /v1/audit']);
  });

  it('is filtered by time, and says what it cannot read', async () => {
    const now = encodeURIComponent(new Date(Date.now() + 60_000).toISOString());
    assert.deepEqual(await list(`since=${now}`), []);
    assert.ok((await list(`until=${now}`)).length > 0);
    assert.equal((await ask('GET', '/audit?since=yesterday')).body.error.param, 'since');
  });

  it('loses nothing that was spooled while the database was away and the proxy was killed', async () => {
    await stack.database.stop();
    for (const user of ['kim', 'lee']) assert.equal((await call(user, card)).body.error.code, 'guardrail_blocked');
    await until(async () => {
      const metrics = await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`);
      return /^chaperone_audit_waiting\{[^}]*\} 2$/m.test(await metrics.text());
    }, 'both to be in the spool');
    const pid = stack.proxy.pid() ?? 0;
    process.kill(pid, 'SIGKILL');
    await stack.database.start();
    await until(() => stack.proxy.pid() !== pid, 'the proxy to be started again');
    for (const user of ['kim', 'lee']) {
      await until(async () => (await list(`actor=${user}`).catch(() => [])).length === 1, `the refusal of ${user}`);
    }
  });
});
