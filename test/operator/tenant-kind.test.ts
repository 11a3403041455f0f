import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from 'pg';
import type { Persona } from '../../crds/resources.generated.ts';
import { generateDataKeys, makeEnvelope } from '../../database/envelope.ts';
import { resourceIdOf } from '../../database/ids.ts';
import { pathOf } from '../../operator/cluster/object-key.ts';
import type { TenancyProblem } from '../../operator/tenancy.ts';
import { makeTenantReconciler, notReady, ready, type TenantContext } from '../../operator/tenant-kind.ts';
import { makeMemoryCluster, makeOrganization, makePersonaResource } from './memory-cluster.ts';

const organizationId = 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11';

/** A reconciler over a cluster that the test changes, and the rows it has in force. */
function prepare() {
  const organization = makeOrganization('acme');
  const personas: Persona[] = [makePersonaResource('web/support')];
  const rows = new Set<string>();
  const reported: object[] = [];
  const envelope = makeEnvelope(generateDataKeys());
  const rowsOf = { organizationId, envelopeFor: () => envelope };
  const cluster: TenantContext['cluster'] = {
    ...makeMemoryCluster({ Organization: [organization], Persona: personas }),
    addFinalizer: async () => {},
    removeFinalizer: async () => {},
    applySecret: async () => {},
    deleteSecret: async () => {},
    updateStatus: async (_key, status) => {
      if (personas.length === 0) throw new Error('is gone');
      reported.push(status);
    },
    recordEvent: async () => {},
  };
  let problem: TenancyProblem | undefined;
  const tenancies = {
    find: () => problem ?? { ...rowsOf, organization },
    findRows: () => rowsOf,
    operatorNamespace: 'chaperone-system',
  };
  let whileWriting = () => {};
  // What has no rows in force asks no database.
  const reconcile = makeTenantReconciler(
    { cluster, tenancies, db: new Client() },
    {
      kind: 'Persona',
      find: async () => new Map(),
      upsert: async () => {},
      async reconcile(_context, { rowId }) {
        rows.add(rowId);
        whileWriting();
        return { verdict: ready('In force.'), status: {}, isChanged: true };
      },
      remove: async (_context, _organizationId, rowId) => rows.delete(rowId),
    },
  );
  return {
    personas,
    rows,
    reported,
    reconcile: () => reconcile(pathOf({ namespace: 'web', name: 'support' })),
    meet: (reason: string) => {
      problem = notReady(reason, 'It is not as it was.');
    },
    whileWriting: (act: () => void) => {
      whileWriting = act;
    },
  };
}

// An API server looks for finalizers, then deletes: one that is added in between is answered with 200, and lost.
test('the row of a resource that is deleted despite its new finalizer is removed', async () => {
  const { personas, rows, reconcile, whileWriting } = prepare();
  whileWriting(() => personas.splice(0));
  await assert.rejects(reconcile, /is gone/);
  assert.deepEqual(rows, new Set([resourceIdOf(organizationId, 'Persona', 'web/support')]));
  assert.ok((await reconcile())?.effectAtMs);
  assert.deepEqual(rows, new Set());
  assert.deepEqual(await reconcile(), {});
});

test('a resource that no database could store names the field, and keeps its row and its status', async () => {
  const { personas, rows, reported, reconcile } = prepare();
  const status = { id: '5922c75b-711e-5029-808f-7f0f1bebc7f9' };
  personas.splice(0, 1, { ...makePersonaResource('web/support', { users: ['ada', 'b\0b'] }), status });
  assert.deepEqual(await reconcile(), {});
  assert.deepEqual(rows, new Set());
  assert.partialDeepStrictEqual(reported, [
    { ...status, conditions: [{ type: 'Ready', status: 'False', reason: 'NotStorable' }] },
  ]);
  assert.match(JSON.stringify(reported), /spec\.users\[1\] must not have the character NUL/);
});

// After a restore no status has an id yet, and with a binding's row would go what proves its synthetic key.
for (const [reason, stays] of [
  ['OrganizationNotReady', true],
  ['OrganizationNotFound', false],
  ['NamespaceNotMember', false],
] as const) {
  test(`the row of a resource whose organization is ${reason} ${stays ? 'stays' : 'goes'}`, async () => {
    const { rows, reported, reconcile, meet } = prepare();
    await reconcile();
    meet(reason);
    await reconcile();
    assert.equal(rows.size, stays ? 1 : 0);
    assert.partialDeepStrictEqual(reported.at(-1), { conditions: [{ type: 'Ready', status: 'False', reason }] });
  });
}
