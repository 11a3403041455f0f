import assert from 'node:assert/strict';
import { chown, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import type { Client } from 'pg';
import { makeClient } from '../../database/client.ts';
import { issueAuthority, issueServing } from '../../operator/certificates/issue.ts';
import { withLogin } from '../../operator/organizations/login.ts';
import { makeDirectory } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { startOwnDatabase } from '../stack-database.ts';
import { until } from '../until.ts';
import { connect } from './tenant.ts';

const validity = { lifetimeMs: 3_600_000, nowMs: Date.now() };

describe('a PostgreSQL that speaks TLS', () => {
  const scope = suiteScope();
  let url: string;
  let superuser: Client;
  /** The file with the authority of the server's certificate. */
  let authorityFile: string;

  before(async () => {
    const directory = await makeDirectory(scope);
    const database = await startOwnDatabase(join(directory, 'postgres'));
    scope.after(database.release);
    url = database.url;
    superuser = await connect(scope, database.superuserUrl);
    const authority = await issueAuthority(validity);
    authorityFile = join(directory, 'authority.pem');
    await writeFile(authorityFile, authority.certificate);
    await serve(superuser, await issueServing(authority, ['127.0.0.1'], validity));
  });

  const at = (settings: string) => `${url}?${settings}`;

  async function loginsAs(databaseUrl: string): Promise<boolean> {
    const client = makeClient({ databaseUrl, name: 'tls-test', onError: () => {} });
    try {
      await client.connect();
      const { rows } = await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
      return rows[0].ssl;
    } finally {
      await client.end();
    }
  }

  test('is spoken to by TLS where the URL says so, and not otherwise', async () => {
    assert.equal(await loginsAs(at(`sslmode=verify-full&sslrootcert=${authorityFile}`)), true);
    assert.equal(await loginsAs(at('sslmode=no-verify')), true);
    assert.equal(await loginsAs(url), false);
  });

  test('a server that nobody vouches for gets no login', async () => {
    await assert.rejects(loginsAs(at('sslmode=verify-full')), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    const other = new URL(at(`sslmode=verify-full&sslrootcert=${authorityFile}`));
    other.hostname = 'localhost';
    await assert.rejects(loginsAs(other.href), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('the login of proxies keeps what the owner’s URL says of TLS', async () => {
    await superuser.query("create role chaperone_org_tls login password 'of-the-role'");
    const owner = at(`sslmode=verify-full&sslrootcert=${authorityFile}`);
    const login = withLogin(owner, { role: 'chaperone_org_tls', password: 'of-the-role' });
    assert.equal(await loginsAs(login), true);
  });
});

/** Has a running server show a certificate to clients that ask for TLS. */
async function serve(
  superuser: Client,
  { certificate, privateKey }: { readonly certificate: string; readonly privateKey: string },
): Promise<void> {
  const { rows } = await superuser.query<{ data_directory: string }>('show data_directory');
  const directory = rows[0]?.data_directory ?? '';
  const { uid, gid } = await stat(directory);
  for (const [name, content] of [
    ['tls.crt', certificate],
    ['tls.key', privateKey],
  ] as const) {
    await writeFile(join(directory, name), content, { mode: 0o600 });
    await chown(join(directory, name), uid, gid);
  }
  await superuser.query("alter system set ssl_cert_file = 'tls.crt'");
  await superuser.query("alter system set ssl_key_file = 'tls.key'");
  await superuser.query('alter system set ssl = on');
  await superuser.query('select pg_reload_conf()');
  await until(async () => (await superuser.query('show ssl')).rows[0].ssl === 'on', 'the server to speak TLS');
}
