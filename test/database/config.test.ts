import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { deleteApiKey, upsertApiKeys } from '../../database/api-keys.ts';
import { type ConfigChanges, configChannel, readConfigChanges, readConfigVersion } from '../../database/config.ts';
import { resourceIdOf } from '../../database/ids.ts';
import {
  deleteOrganization,
  findOrganization,
  retireOrganization,
  upsertOrganization,
} from '../../database/organizations.ts';
import { deletePersona, upsertPersonas } from '../../database/personas.ts';
import type { Queryable } from '../../database/queryable.ts';
import { propertyRuns } from '../property-runs.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { connect, makeTenant, type OwnedDatabase, openDatabase, organizationSpec, type Tenant } from './tenant.ts';

const scope = suiteScope();
let database: OwnedDatabase;

before(async () => {
  database = await openDatabase(scope);
});
function putPersona({ id: organizationId }: Tenant, name: string, content = 'sealed', by: Queryable = database.owner) {
  return upsertPersonas(by, [
    {
      organizationId,
      personaId: resourceIdOf(organizationId, 'Persona', name),
      resource: `team/${name}`,
      servesNamespace: null,
      name,
      description: null,
      contentSealed: Buffer.from(content),
      users: ['ada'],
      model: 'o3',
      parameters: { temperature: 0.2 },
      isActive: true,
    },
  ]);
}

function putKey({ id: organizationId }: Tenant, name: string, expiresAt: Date | null = null) {
  return upsertApiKeys(database.owner, [
    {
      organizationId,
      apiKeyId: resourceIdOf(organizationId, 'ApiKeyBinding', name),
      resource: `team/${name}`,
      servesNamespace: null,
      provider: 'openai',
      userExternalId: null,
      models: ['gpt-*'],
      // Longer than a line of base64.
      keySealed: Buffer.alloc(100, 7),
      fingerprint: 'f',
      syntheticKeySha256: Buffer.from('00ff', 'hex'),
      roles: ['analyst'],
      rules: { tier: 'free' },
      isActive: true,
      expiresAt,
    },
  ]);
}

/** What a reader has who takes these changes one after the other. */
function accumulate(reads: readonly ConfigChanges[]) {
  const personas = new Map<string, unknown>();
  const apiKeys = new Map<string, unknown>();
  let organization: unknown;
  for (const changes of reads) {
    organization = changes.organization ?? organization;
    for (const row of changes.personas) {
      if (row.is_deleted) personas.delete(row.persona_id);
      else personas.set(row.persona_id, row);
    }
    for (const row of changes.apiKeys) {
      if (row.is_deleted) apiKeys.delete(row.api_key_id);
      else apiKeys.set(row.api_key_id, row);
    }
  }
  const inOrder = (rows: Map<string, unknown>) => [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  return { version: reads.at(-1)?.version, organization, personas: inOrder(personas), apiKeys: inOrder(apiKeys) };
}

test('rows have the form in which a proxy keeps them', async (t) => {
  const tenant = await makeTenant(database);
  await putPersona(tenant, 'support', 'x'.repeat(100));
  await putKey(tenant, 'key', new Date('2030-01-01T00:00:00.250Z'));
  const changes = await readConfigChanges(await connect(t, tenant.url), tenant.id, 0);
  const [persona] = changes.personas;
  const { created_at: createdAt, updated_at: updatedAt, ...rest } = persona ?? {};
  assert.ok(Date.parse(createdAt ?? '') > 0 && Date.parse(updatedAt ?? '') > 0);
  assert.deepEqual(rest, {
    persona_id: resourceIdOf(tenant.id, 'Persona', 'support'),
    resource: 'team/support',
    serves_namespace: null,
    name: 'support',
    description: null,
    content_sealed: Buffer.from('x'.repeat(100)).toString('base64'),
    users: ['ada'],
    model: 'o3',
    parameters: { temperature: 0.2 },
    is_active: true,
    is_deleted: false,
  });
  assert.deepEqual(changes.apiKeys, [
    {
      api_key_id: resourceIdOf(tenant.id, 'ApiKeyBinding', 'key'),
      resource: 'team/key',
      serves_namespace: null,
      provider: 'openai',
      user_external_id: null,
      models: ['gpt-*'],
      key_sealed: Buffer.alloc(100, 7).toString('base64'),
      synthetic_key_sha256: '00ff',
      roles: ['analyst'],
      rules: { tier: 'free' },
      is_active: true,
      is_deleted: false,
      expires_at_ms: Date.parse('2030-01-01T00:00:00.250Z'),
    },
  ]);
  assert.deepEqual(changes.organization, {
    organization_id: tenant.id,
    name: tenant.name,
    spec: organizationSpec,
    shares_by_default: false,
    is_deleted: false,
  });
  assert.equal(changes.version, await readConfigVersion(database.owner, tenant.id));
});

test('a reader of changes ends with the result of a full read', async () => {
  const edit = fc.oneof(
    fc.record({ do: fc.constant('persona' as const), which: fc.nat(2), content: fc.string() }),
    fc.record({ do: fc.constant('persona gone' as const), which: fc.nat(2) }),
    fc.record({ do: fc.constant('key' as const), which: fc.nat(2) }),
    fc.record({ do: fc.constant('key gone' as const), which: fc.nat(2) }),
    fc.record({ do: fc.constant('organization' as const), displayName: fc.stringMatching(/^\w{1,8}$/) }),
    fc.record({ do: fc.constant('read' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 12 }), async (edits) => {
      const tenant = await makeTenant(database);
      const reads = [await readConfigChanges(database.owner, tenant.id, 0)];
      const read = async () =>
        reads.push(await readConfigChanges(database.owner, tenant.id, reads.at(-1)?.version ?? 0));
      for (const action of edits) {
        const rowId = (kind: string) => ('which' in action ? resourceIdOf(tenant.id, kind, `n${action.which}`) : '');
        if (action.do === 'persona') await putPersona(tenant, `n${action.which}`, action.content);
        else if (action.do === 'persona gone') await deletePersona(database.owner, tenant.id, rowId('Persona'));
        else if (action.do === 'key') await putKey(tenant, `n${action.which}`);
        else if (action.do === 'key gone') await deleteApiKey(database.owner, tenant.id, rowId('ApiKeyBinding'));
        else if (action.do === 'organization') {
          const spec = { ...organizationSpec, displayName: action.displayName };
          await upsertOrganization(database.owner, { organizationId: tenant.id, name: tenant.name, spec });
        } else await read();
      }
      await read();
      const full = await readConfigChanges(database.owner, tenant.id, 0);
      assert.deepEqual(accumulate(reads), accumulate([full]));
    }),
    { numRuns: propertyRuns(25) },
  );
});

test('versions only grow, and become visible in order', async (t) => {
  const tenant = await makeTenant(database);
  const first = await connect(t, database.url);
  const second = await connect(t, database.url);
  const before = await readConfigVersion(database.owner, tenant.id);
  await first.query('begin');
  await putPersona(tenant, 'a', 'x', first);
  // Made later, and must not be seen earlier: whoever read it would never ask for the first again.
  const later = putPersona(tenant, 'b', 'x', second);
  assert.equal(await readConfigVersion(database.owner, tenant.id), before);
  await first.query('commit');
  await later;
  const { personas, version } = await readConfigChanges(database.owner, tenant.id, before);
  assert.deepEqual(personas.map(({ name }) => name).sort(), ['a', 'b']);
  assert.ok(version > before);
});

test('a deletion is reported once, and a deleted key’s secret is gone', async () => {
  const tenant = await makeTenant(database);
  await putPersona(tenant, 'p');
  await putKey(tenant, 'k');
  const before = await readConfigVersion(database.owner, tenant.id);
  await deletePersona(database.owner, tenant.id, resourceIdOf(tenant.id, 'Persona', 'p'));
  await deleteApiKey(database.owner, tenant.id, resourceIdOf(tenant.id, 'ApiKeyBinding', 'k'));
  const changes = await readConfigChanges(database.owner, tenant.id, before);
  assert.deepEqual(
    changes.personas.map(({ is_deleted, is_active }) => [is_deleted, is_active]),
    [[true, false]],
  );
  assert.deepEqual(
    changes.apiKeys.map(({ is_deleted, key_sealed }) => [is_deleted, key_sealed]),
    [[true, '']],
  );
  await deletePersona(database.owner, tenant.id, resourceIdOf(tenant.id, 'Persona', 'p'));
  assert.equal(await readConfigVersion(database.owner, tenant.id), changes.version);
});

test('storing an unchanged organization changes nothing', async () => {
  const tenant = await makeTenant(database);
  const before = await readConfigVersion(database.owner, tenant.id);
  await upsertOrganization(database.owner, { organizationId: tenant.id, name: tenant.name, spec: organizationSpec });
  assert.equal(await readConfigVersion(database.owner, tenant.id), before);
});

test('a retired organization is marked, and keeps its id when it comes back', async () => {
  const tenant = await makeTenant(database);
  await retireOrganization(database.owner, tenant.id);
  assert.equal((await readConfigChanges(database.owner, tenant.id, 0)).organization?.is_deleted, true);
  assert.equal((await findOrganization(database.owner, tenant.name))?.organizationId, tenant.id);
  await upsertOrganization(database.owner, { organizationId: tenant.id, name: tenant.name, spec: organizationSpec });
  assert.equal((await readConfigChanges(database.owner, tenant.id, 0)).organization?.is_deleted, false);
});

test('a deleted organization leaves no row in any table', async () => {
  const tenant = await makeTenant(database);
  await putPersona(tenant, 'p');
  await deleteOrganization(database.owner, tenant.id);
  const changes = await readConfigChanges(database.owner, tenant.id, 0);
  const none = { personas: [], apiKeys: [], users: [], revocations: [], accessKeys: [], deployments: [] };
  assert.deepEqual(changes, { version: 0, ageMs: 0, organization: undefined, ...none });
});

test('two live personas cannot have the same name, and a deleted one’s name is free', async () => {
  const tenant = await makeTenant(database);
  await putPersona(tenant, 'p');
  const again = () =>
    database.owner.query(
      `insert into chaperone.personas (organization_id, persona_id, name, content_encrypted)
       values ($1, gen_random_uuid(), 'p', '')`,
      [tenant.id],
    );
  await assert.rejects(again, { code: '23505', constraint: 'personas_name' });
  await deletePersona(database.owner, tenant.id, resourceIdOf(tenant.id, 'Persona', 'p'));
  await again();
});

test('a change is notified on the organization’s channel once it is committed', async (t) => {
  const tenant = await makeTenant(database);
  const other = await makeTenant(database);
  const listener = await connect(t, tenant.url);
  const heard: string[] = [];
  listener.on('notification', ({ channel, payload }) => heard.push(`${channel}:${payload}`));
  await listener.query(`listen ${configChannel(tenant.id)}`);
  await putPersona(other, 'p');
  const writer = await connect(t, database.url);
  await writer.query('begin');
  await putPersona(tenant, 'p', 'x', writer);
  await listener.query('select 1');
  assert.deepEqual(heard, []);
  await writer.query('commit');
  await until(() => heard.length > 0, 'the notification');
  assert.deepEqual([...new Set(heard)], [`${configChannel(tenant.id)}:`]);
});
