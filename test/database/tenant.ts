import { randomBytes, randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Client } from 'pg';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { type DataKeySet, type Envelope, generateDataKeys, makeEnvelope } from '../../database/envelope.ts';
import { migrate } from '../../database/migrate.ts';
import { upsertOrganization } from '../../database/organizations.ts';
import { ensureOrganizationRole } from '../../database/roles.ts';
import { makeTestDatabase, type TestDatabase } from '../database.ts';
import { atEnd } from '../scope.ts';

/** A database of the test's own and the owner's connection to it. */
export interface OwnedDatabase extends TestDatabase {
  readonly owner: Client;
}

/** An organization with the login that its proxies would have. */
export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly url: string;
  readonly dataKeys: DataKeySet;
  readonly envelope: Envelope;
}

export async function openDatabase(t: Pick<TestContext, 'after'>): Promise<OwnedDatabase> {
  const database = await makeTestDatabase();
  // A clone does not have its template's privileges on the database itself.
  await migrate(database.url);
  const owner = new Client({ connectionString: database.url });
  await owner.connect();
  atEnd(t, async () => {
    await dropOrganizationRoles(owner);
    await owner.end();
    await database.close();
  });
  return { ...database, owner };
}

/** Roles belong to the whole server, so they do not go with a test's database. */
export async function dropOrganizationRoles(owner: Client): Promise<void> {
  const { rows } = await owner.query<{ role: string }>('select role_name as role from chaperone.organization_roles');
  for (const { role } of rows) await owner.query(`drop role ${owner.escapeIdentifier(role)}`);
}

export const organizationSpec: OrganizationSpec = {
  namespaceSelector: {},
  authentication: { tokenLifetime: '8760h', leeway: '30s', requireUser: true, defaultRoles: ['admin'] },
  providers: [{ name: 'openai', type: 'openai', timeouts: { headers: '600s', idle: '120s' } }],
  sessions: { idleTimeout: '30m' },
  storage: { contents: 'Full', analysisLifetime: '720h' },
  deletionPolicy: 'Retain',
};

export async function makeTenant(database: OwnedDatabase, spec: OrganizationSpec = organizationSpec): Promise<Tenant> {
  const id = randomUUID();
  const name = `tenant-${id.slice(0, 8)}`;
  const password = randomBytes(12).toString('base64url');
  const role = await ensureOrganizationRole(database.owner, id, password);
  await upsertOrganization(database.owner, { organizationId: id, name, spec });
  const url = new URL(database.url);
  url.username = role;
  url.password = password;
  const dataKeys = generateDataKeys();
  return { id, name, role, url: url.href, dataKeys, envelope: makeEnvelope(dataKeys) };
}

/** A connection that the test's end closes. */
export async function connect(t: Pick<TestContext, 'after'>, connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  // A test may end a database under its connections.
  client.on('error', () => {});
  await client.connect();
  atEnd(t, () => client.end());
  return client;
}
