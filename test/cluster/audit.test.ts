import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Client } from 'pg';
import { Registry } from 'prom-client';
import { readChain } from '../../database/audit/read.ts';
import { verifyAudit } from '../../database/audit/verify.ts';
import { makeAuditMetrics } from '../../operator/audit/metrics.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { skip } from './cluster-under-test.ts';
import { binding, organization, persona, secret } from './resources.ts';
import { type RunningOperator, type Stage, setStage } from './stage.ts';

interface Head {
  readonly entries: number;
  readonly head: string;
}

const acme = '/apis/chaperone.dev/v1alpha1/organizations/acme';
const fast = { rulesMs: { period: 50, write: 50 } };

describe('the audit log of resources', { skip }, () => {
  const scope = suiteScope();
  const registry = new Registry();
  const auditMetrics = makeAuditMetrics(registry);
  let stage: Stage;
  let operator: RunningOperator;
  let id: string;

  const statusOf = async () => {
    const { status } = (await stage.hands.find('Organization', 'acme')) ?? {};
    return (status ?? {}) as NonNullable<typeof status> & { readonly audit?: Head };
  };
  const readLog = async () =>
    (await readChain(stage.db, id, 0, 1_000))
      .map(({ entry }) => JSON.parse(entry))
      .filter(({ kind }) => kind === 'resource');
  const untilEntry = (subject: string, action: string, count = 1) =>
    until(async () => {
      const found = (await readLog()).filter((entry) => entry.subject === subject && entry.action === action);
      return found.length === count && found.at(-1);
    }, `${action} ${subject}`);
  /** `kubectl apply --server-side --field-manager`. */
  const apply = (fieldManager: string, spec: object) =>
    stage.client.send({
      method: 'PATCH',
      path: acme,
      query: { fieldManager, force: 'true' },
      contentType: 'application/apply-patch+yaml',
      body: { apiVersion: 'chaperone.dev/v1alpha1', kind: 'Organization', metadata: { name: 'acme' }, spec },
    });
  const untilCondition = (status: string) =>
    until(async () => {
      const found = (await statusOf()).conditions?.find(({ type }) => type === 'AuditIntact');
      return found?.status === status && found;
    }, `AuditIntact to be ${status}`);

  before(async () => {
    stage = await setStage(scope);
    operator = await stage.startOperator({ ...fast, auditMetrics });
    await apply('platform-team', organization().spec);
    id = (await stage.hands.untilReason('Organization', 'acme', 'Ready')).status?.id ?? '';
  });

  test('says who applied what, and what that changed', async () => {
    const created = await untilEntry('Organization/acme', 'created');
    assert.deepEqual(
      created.actor.managers.map(({ manager, operation }: { manager: string; operation: string }) => [
        manager,
        operation,
      ]),
      [['platform-team', 'Apply']],
    );
    await apply('finance', { budgets: [{ name: 'all', amountUsd: '100', window: 'Month' }] });
    await apply('finance', {
      budgets: [
        {
          ...{ name: 'all', amountUsd: '100', window: 'Month' },
          raise: { byUsd: '50', until: '2099-01-01T00:00:00Z', reason: 'the launch' },
        },
      ],
    });
    const raised = await until(async () =>
      (await readLog()).find(({ changes }) =>
        changes.some(
          ({ field, after }: { field: string; after: string }) =>
            field.endsWith('raise.reason') && after === 'the launch',
        ),
      ),
    );
    assert.deepEqual(
      raised.actor.managers.map(({ manager }: { manager: string }) => manager),
      ['finance'],
    );
    await stage.client.send({
      method: 'PATCH',
      path: acme,
      query: { fieldManager: 'kubectl-edit' },
      contentType: 'application/merge-patch+json',
      body: { spec: { displayName: 'Acme Inc.' } },
    });
    const edited = await until(async () =>
      (await readLog()).find(({ changes, action }) => action === 'changed' && changes[0].field === 'spec.displayName'),
    );
    assert.deepEqual(edited.changes, [{ field: 'spec.displayName', after: 'Acme Inc.' }]);
    assert.deepEqual(
      edited.actor.managers.map(({ manager, operation }: { manager: string; operation: string }) => [
        manager,
        operation,
      ]),
      [['kubectl-edit', 'Update']],
    );
  });

  test('has every kind, a replaced key and a deletion', async () => {
    await stage.hands.create('Secret', 'web/openai', secret({ key: 'sk-first-key' }));
    await stage.hands.create('ApiKeyBinding', 'web/openai', binding());
    await stage.hands.create('Persona', 'web/support', persona({ content: 'Be kind to everyone.' }));
    await untilEntry('ApiKeyBinding/web/openai', 'created');
    await untilEntry('Persona/web/support', 'created');
    await stage.hands.untilReason('ApiKeyBinding', 'web/openai', 'Ready');
    await stage.hands.change('Secret', 'web/openai', { stringData: { key: 'sk-second-key' } });
    const rotated = await untilEntry('ApiKeyBinding/web/openai', 'changed');
    assert.deepEqual(rotated.changes, [{ field: 'key', before: 'a key', after: 'another key' }]);
    await stage.hands.remove('Persona', 'web/support');
    await untilEntry('Persona/web/support', 'deleted');
    const { rows } = await stage.db.query('select entry from chaperone.audit_log');
    assert.doesNotMatch(JSON.stringify(rows), /sk-|Be kind/);
  });

  test('has each change once, although operators come and go', async () => {
    const before = await readLog();
    await operator.stop();
    // While nobody watches.
    await stage.hands.create('Persona', 'web/brief', persona({ name: 'brief' }));
    await apply('finance', { budgets: [{ name: 'all', amountUsd: '200', window: 'Month' }] });
    operator = await stage.startOperator({ ...fast, auditMetrics });
    await untilEntry('Persona/web/brief', 'created');
    await operator.idle();
    await operator.stop();
    operator = await stage.startOperator({ ...fast, auditMetrics });
    await operator.idle();
    const after = (await readLog()).slice(before.length);
    assert.deepEqual(after.map(({ subject, action }) => `${action} ${subject}`).sort(), [
      'changed Organization/acme',
      'created Persona/web/brief',
    ]);
  });

  test('shows its head in the status, and that it is broken once somebody has changed it', {
    skip: !process.env.CHAPERONE_TEST_SUPERUSER_URL,
  }, async () => {
    await untilCondition('True');
    const head = await until(async () => {
      const { audit } = await statusOf();
      const all = await readChain(stage.db, id, 0, 1_000);
      return audit?.entries === all.length && audit;
    }, 'the head to be in the status');
    const verified = await verifyAudit(stage.db, id, [{ seq: head.entries, hash: Buffer.from(head.head, 'hex') }]);
    assert.equal(verified.state, 'intact');
    assert.match(await registry.metrics(), /chaperone_audit_broken\{organization="acme"\} 0/);

    const superuser = new Client({ connectionString: stage.superuserUrl });
    await superuser.connect();
    await superuser.query('set session_replication_role = replica');
    await superuser.query('delete from chaperone.audit_log where seq = $1', [head.entries]);
    await superuser.query(
      'update chaperone.audit_chains set seq = $1, hash = (select hash from chaperone.audit_log where seq = $1)',
      [head.entries - 1],
    );
    await superuser.end();
    const broken = await untilCondition('False');
    assert.equal(broken.reason, 'AuditBroken');
    assert.match(broken.message, /its end was removed/);
    assert.deepEqual((await statusOf()).audit, head, 'the status keeps what the log had');
    await until(async () => /chaperone_audit_broken\{organization="acme"\} 1/.test(await registry.metrics()));

    // As docs/audit.md says for a restored database.
    await stage.client.send({
      method: 'PATCH',
      path: `${acme}/status`,
      contentType: 'application/json-patch+json',
      body: [{ op: 'remove', path: '/status/audit' }],
    });
    await untilCondition('True');
    assert.equal((await until(async () => (await statusOf()).audit)).entries, head.entries - 1);
  });
});
