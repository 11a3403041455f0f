import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { FieldManager } from '../../../crds/object-meta.ts';
import type { Organization } from '../../../crds/resources.generated.ts';
import { readChain } from '../../../database/audit/read.ts';
import { verifyAudit } from '../../../database/audit/verify.ts';
import { makeAuditRecorder } from '../../../operator/audit/recorder.ts';
import { pathOf } from '../../../operator/cluster/object-key.ts';
import { makeTenant, type OwnedDatabase, openDatabase, type Tenant } from '../../database/tenant.ts';
import { suiteScope } from '../../scope.ts';
import { makeMeta, makeOrganization, makePersonaResource } from '../memory-cluster.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let tenant: Tenant;

before(async () => {
  database = await openDatabase(scope);
});

const applied: FieldManager = {
  manager: 'kubectl',
  operation: 'Apply',
  time: '2026-01-01T00:00:00Z',
  fields: JSON.stringify({ 'f:spec': { 'f:displayName': {}, 'f:models': {} } }),
};

function acme(generation: number, displayName: string, uid = 'uid 1'): Organization {
  const metadata = makeMeta('acme', { generation, uid, managers: [applied] });
  return makeOrganization('acme', { displayName }, { metadata });
}

async function readLog() {
  const entries = (await readChain(database.owner, tenant.id, 0, 1_000)).map(({ entry }) => JSON.parse(entry));
  return entries.map(({ action, subject, changes, actor, generation }) => ({
    ...{ action, subject, generation, managers: actor.managers },
    changes: action === 'created' ? changes.length > 0 : changes,
  }));
}

const kubectl = [{ manager: 'kubectl', operation: 'Apply', at: applied.time }];

describe('changes of resources', () => {
  before(async () => {
    tenant = await makeTenant(database);
  });

  test('are in the log once each, whatever happens to the operator', async () => {
    const recorder = makeAuditRecorder(database.owner);
    await recorder.seen(tenant.id, acme(1, 'Acme'));
    await recorder.seen(tenant.id, acme(1, 'Acme'));
    // After a restart, and by two operators at once.
    const others = [makeAuditRecorder(database.owner), makeAuditRecorder(database.owner)];
    for (const other of others) await other.seen(tenant.id, acme(1, 'Acme'));
    const outcomes = await Promise.allSettled(others.map((other) => other.seen(tenant.id, acme(2, 'Acme Inc.'))));
    assert.ok(outcomes.some(({ status }) => status === 'fulfilled'));
    for (const other of [recorder, ...others]) await other.seen(tenant.id, acme(2, 'Acme Inc.')).catch(() => {});
    for (const other of [recorder, ...others]) await other.seen(tenant.id, acme(2, 'Acme Inc.'));
    assert.deepEqual(await readLog(), [
      { action: 'created', subject: 'Organization/acme', generation: 1, managers: kubectl, changes: true },
      {
        action: 'changed',
        subject: 'Organization/acme',
        generation: 2,
        managers: kubectl,
        changes: [{ field: 'spec.displayName', before: 'Acme', after: 'Acme Inc.' }],
      },
    ]);
  });

  test('are in the log when a resource takes the place of another, and when one is gone', async () => {
    const recorder = makeAuditRecorder(database.owner);
    await recorder.seen(tenant.id, acme(1, 'Other', 'uid 2'));
    await recorder.gone(tenant.id, 'Organization', pathOf({ name: 'acme' }));
    await recorder.gone(tenant.id, 'Organization', pathOf({ name: 'acme' }));
    const [replaced, deleted, ...more] = (await readLog()).slice(2);
    assert.deepEqual([replaced?.action, deleted?.action, more.length], ['replaced', 'deleted', 0]);
    assert.deepEqual(deleted?.managers, [], 'nobody says who deleted it');
  });

  test('have no text of a persona, no user, and of a provider key only that it is another', async () => {
    const recorder = makeAuditRecorder(database.owner);
    const persona = makePersonaResource('team/support', { content: 'Be kind to ada.', users: ['ada@example.com'] });
    await recorder.seen(tenant.id, persona, 'fingerprint 1');
    await recorder.seen(tenant.id, persona, 'fingerprint 2');
    await recorder.seen(tenant.id, persona);
    const log = await readLog();
    assert.deepEqual(
      log.slice(-2).map(({ changes }) => changes),
      [[{ field: 'key', before: 'a key', after: 'another key' }], [{ field: 'key', before: 'a key' }]],
    );
    const { rows } = await database.owner.query(
      `select entry as text from chaperone.audit_log where organization_id = $1
       union all select spec::text from chaperone.audit_resources where organization_id = $1`,
      [tenant.id],
    );
    const stored = rows.map(({ text }) => text).join('\n');
    assert.doesNotMatch(stored.replaceAll('"fingerprint', ''), /kind to ada|ada@|fingerprint \d/);
    assert.match(stored, /person:[0-9a-f]{64}/);
  });

  test('of many resources are written together, into a chain that holds', async () => {
    const recorder = makeAuditRecorder(database.owner);
    const personas = Array.from({ length: 60 }, (_, index) => makePersonaResource(`team/p${index}`));
    await Promise.all(personas.map((persona) => recorder.seen(tenant.id, persona)));
    assert.equal((await readLog()).filter(({ action }) => action === 'created').length, 62);
    assert.equal((await verifyAudit(database.owner, tenant.id, [])).state, 'intact');
  });
});
