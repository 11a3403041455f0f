import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { userIdOf } from '../../../database/ids.ts';
import { noteUser } from '../../../database/speech/sessions.ts';
import { readSupportSums } from '../../../database/support/days.ts';
import { resolveIdleConversations } from '../../../database/support/idle.ts';
import { suiteScope } from '../../scope.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, organizationSpec, type Tenant } from '../tenant.ts';

const support = { model: 'gpt-4o-mini', confidenceThreshold: 0.75, maxTurns: 20 };

type Status = 'active' | 'escalated' | 'resolved';

interface Idle {
  readonly id: string;
  readonly hours: number;
  readonly status?: Status;
  /** Of the last message. */
  readonly sender?: 'user' | 'ai' | 'agent';
  readonly messageStatus?: 'completed' | 'failed' | 'pending' | 'withheld';
  /** Whether it was handed over before. */
  readonly wasEscalated?: boolean;
}

describe('conversations that nobody continues', () => {
  const scope = suiteScope();
  let database: OwnedDatabase;
  before(async () => {
    database = await openDatabase(scope);
  });

  const begin = async (tenant: Tenant, conversations: readonly Idle[]) => {
    const userId = userIdOf(tenant.id, 'carl');
    await noteUser(database.owner, tenant.id, { userId, externalId: 'carl' });
    const rows = conversations.map(({ hours, wasEscalated, ...one }) => {
      const { status = 'active', sender = 'ai', messageStatus = 'completed' } = one;
      const at = new Date(Date.now() - hours * 3_600_000);
      const escalatedAt = status === 'escalated' || wasEscalated ? at : null;
      return { id: one.id, status, sender, messageStatus, at, escalatedAt };
    });
    await database.owner.query(
      `insert into chaperone.support_conversations (organization_id, conversation_id, user_id, channel, status, messages,
         created_at, updated_at, escalated_at)
       select $1, id, $2, 'chat', status, 2, at, at, "escalatedAt"
       from jsonb_to_recordset($3) as c (id text, status text, at timestamptz, "escalatedAt" timestamptz)`,
      [tenant.id, userId, JSON.stringify(rows)],
    );
    await database.owner.query(
      `insert into chaperone.support_messages (organization_id, conversation_id, number, message_id, sender, status)
       select $1, id, number, 'msg_' || number, m.sender, m.status
       from jsonb_to_recordset($2) as c (id text, sender text, "messageStatus" text)
         cross join lateral (values (1, 'user', 'completed'), (2, c.sender, "messageStatus")) m (number, sender, status)`,
      [tenant.id, JSON.stringify(rows)],
    );
  };
  const resolvedOf = async (tenant: Tenant) => {
    const { rows } = await database.owner.query<{ id: string }>(
      `select conversation_id as id from chaperone.support_conversations
       where organization_id = $1 and status = 'resolved' and resolved_at is not null order by 1`,
      [tenant.id],
    );
    return rows.map(({ id }) => id);
  };

  it('are resolved a day after the last answer, and count as resolved by the machine if no human had them', async () => {
    const tenant = await makeTenant(database);
    const hook = `insert into chaperone.webhooks (organization_id, webhook_id, name, url, is_active, secrets_encrypted)
      values ($1, gen_random_uuid(), 'crm', 'https://hooks.example.com', true, 'sealed')`;
    await database.owner.query(hook, [tenant.id]);
    await begin(tenant, [
      { id: 'idle', hours: 25 },
      { id: 'told by an agent', hours: 25, sender: 'agent', wasEscalated: true },
      { id: 'recent', hours: 23 },
      { id: 'with a human', hours: 99, status: 'escalated' },
      { id: 'without an answer', hours: 99, messageStatus: 'failed' },
      { id: 'interrupted', hours: 99, messageStatus: 'pending' },
      { id: 'withheld', hours: 99, messageStatus: 'withheld' },
      { id: 'with the last word of the customer', hours: 99, sender: 'user' },
    ]);
    let told = 0;
    await resolveIdleConversations(database.owner, {
      onResolved: (conversations) => {
        told += conversations;
      },
    });
    assert.deepEqual(await resolvedOf(tenant), ['idle', 'told by an agent']);
    assert.equal(told, 2);
    const period = { firstDay: '2000-01-01', lastDay: '2100-01-01' };
    const sums = await readSupportSums(database.owner, tenant.id, period, 'month');
    const total = (name: 'aiResolved' | 'escalated') => sums.reduce((sum, one) => sum + one[name], 0);
    assert.deepEqual([total('aiResolved'), total('escalated')], [1, 2]);
    const { rows: events } = await database.owner.query<{ subject: string; data: object }>(
      `select subject, data from chaperone.webhook_events where type = 'conversation.resolved' order by 1`,
    );
    assert.deepEqual(events[0], {
      subject: 'conversation/idle',
      data: { conversation_id: 'idle', channel: 'chat', resolved_by: 'inactivity' },
    });
    assert.equal(events.length, 2);
    await resolveIdleConversations(database.owner, { onResolved: () => assert.fail('nothing is left') });
  });

  for (const [resolveAfter, resolved] of [
    ['Never', []],
    ['48h', ['days']],
    ['1h30m', ['days', 'hours']],
  ] as const) {
    it(`are resolved after ${resolveAfter}, where the Organization says so`, async () => {
      const tenant = await makeTenant(database, { ...organizationSpec, support: { ...support, resolveAfter } });
      await begin(tenant, [
        { id: 'days', hours: 49 },
        { id: 'hours', hours: 2 },
        { id: 'minutes', hours: 1 },
      ]);
      await resolveIdleConversations(database.owner);
      assert.deepEqual(await resolvedOf(tenant), resolved);
    });
  }

  it('are resolved in steps, and none that another session has locked', async () => {
    const tenant = await makeTenant(database);
    const ids = Array.from({ length: 450 }, (_, at) => `conv_${String(at).padStart(3, '0')}`);
    await begin(
      tenant,
      ids.map((id) => ({ id, hours: 48 })),
    );
    const steps: number[] = [];
    await database.owner.query('begin');
    await database.owner.query(
      `select from chaperone.support_conversations where organization_id = $1 and conversation_id = 'conv_007' for update`,
      [tenant.id],
    );
    const other = await connect(scope, database.url);
    await resolveIdleConversations(other, { onResolved: (conversations) => void steps.push(conversations) });
    await database.owner.query('commit');
    assert.deepEqual(steps, [200, 200, 49]);
    await resolveIdleConversations(database.owner, { onResolved: (conversations) => void steps.push(conversations) });
    assert.equal(steps.at(-1), 1);
    assert.deepEqual(await resolvedOf(tenant), ids);
  });
});
