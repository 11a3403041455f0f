import assert from 'node:assert/strict';
import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { Client } from 'pg';
import { pino } from 'pino';
import { userIdOf } from '../../database/ids.ts';
import { makeMetrics } from '../../proxy/calls/settle/metrics.ts';
import { readCredentials } from '../../proxy/credentials.ts';
import { makeInFlight } from '../../proxy/in-flight.ts';
import { openOrganization } from '../../proxy/organization.ts';
import { type ProxyOptions, startProxy } from '../../proxy/server.ts';
import { lockDirectory } from '../../proxy/spool/lock.ts';
import { makeDirectory } from '../directories.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const log = pino({ level: 'silent' });

suite('what a process holds for an organization', () => {
  const scope = suiteScope();
  let stack: Stack;
  before(async () => {
    stack = await startStack(scope);
    // Its sessions would count as those of the organization under test.
    await stack.proxy.stop(4_000);
  });

  const optionsWith = async (changes: Partial<ProxyOptions>): Promise<ProxyOptions> => ({
    credentialsDirectory: stack.credentialsDirectory,
    dataDirectory: await makeDirectory(scope),
    upstreamUrl: stack.upstreamUrl,
    host: '127.0.0.1',
    port: 0,
    metricsHost: '127.0.0.1',
    metricsPort: 0,
    log,
    ...changes,
  });
  /** Copies the mounted Secret, with one file replaced. */
  const credentialsWith = async (name: string, text: string) => {
    const directory = await mkdtemp(join(await makeDirectory(scope), 'credentials-'));
    await cp(stack.credentialsDirectory, directory, { recursive: true, dereference: true });
    await writeFile(join(directory, name), text);
    return directory;
  };
  const assertReleased = async ({ dataDirectory }: Pick<ProxyOptions, 'dataDirectory'>) => {
    lockDirectory(dataDirectory)();
    await until(async () => (await countSessions(stack)) === 0, 'its sessions to end');
  };

  test('is released where the port of the API is taken', async (t) => {
    const taken = await listen(t);
    const options = await optionsWith({ port: taken });
    await assert.rejects(startProxy(options), { code: 'EADDRINUSE', port: taken });
    await assertReleased(options);
  });

  test('is not opened where the port of the metrics is taken', async (t) => {
    const taken = await listen(t);
    const options = await optionsWith({ metricsPort: taken });
    await assert.rejects(startProxy(options), { code: 'EADDRINUSE', port: taken });
    await assertReleased(options);
  });

  test('is released where the credentials cannot be used', async () => {
    const credentialsDirectory = await credentialsWith('data-keys.json', '{"current": "k1", "keys": {"k1": "short"}}');
    const options = await optionsWith({ credentialsDirectory });
    await assert.rejects(startProxy(options), /k1/);
    await assertReleased(options);
    // The port of the metrics is released, too, so a second try fails in the same way.
    await assert.rejects(startProxy(options), /k1/);
  });

  test('is opened without listeners, copies what waits when it closes, and is released', async () => {
    const options = await optionsWith({});
    const metrics = makeMetrics();
    const organization = await openOrganization({ ...options, metrics, inFlight: makeInFlight(1e6) });
    await organization.configuration.first;
    const { snapshot } = organization.configuration.require();
    assert.equal(snapshot.organizationName, organization.name);
    const [key] = snapshot.organizationKeys;
    assert.ok(key);
    const userId = userIdOf(organization.id, 'worker@example.com');
    organization.ownership.note({ resource_id: 'file-of-worker', kind: 'file', user_id: userId, api_key_id: key.id });
    await organization.close();
    assert.deepEqual(await listResources(stack), ['file-of-worker']);
    await assertReleased(options);
  });

  test('is held by only one process in a data directory', async () => {
    const options = await optionsWith({});
    const proxy = await startProxy(options);
    await assert.rejects(startProxy(options), /another proxy/);
    const answer = await fetch(`http://127.0.0.1:${proxy.metricsPort}/readyz`);
    assert.equal(answer.status, 200);
    await proxy.stop();
    await assertReleased(options);
  });
});

/** Counts the sessions of the organization's role. */
async function countSessions({ database, credentialsDirectory }: Stack): Promise<number> {
  const { databaseUrl } = await readCredentials(credentialsDirectory);
  const rows = await query<{ pid: number }>(
    database.url,
    'select pid from pg_stat_activity where usename = $1 and datname = current_database()',
    [new URL(databaseUrl).username],
  );
  return rows.length;
}

async function listResources({ database }: Stack): Promise<string[]> {
  const rows = await query<{ resource_id: string }>(database.url, 'select resource_id from chaperone.owned_resources');
  return rows.map((row) => row.resource_id);
}

async function query<Row extends object>(connectionString: string, text: string, values: unknown[] = []) {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** @returns a port on which somebody listens until the test ends */
async function listen(t: { after(release: () => unknown): void }): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => server.close());
  return (server.address() as AddressInfo).port;
}
