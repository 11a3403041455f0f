import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { importJWK, SignJWT } from 'jose';
import { Client, Pool } from 'pg';
import { pino } from 'pino';
import { makeEnvelope } from '../../../database/envelope.ts';
import { findPersonas } from '../../../database/personas.ts';
import { makeTransact } from '../../../database/transaction.ts';
import { makeDirectoryCluster } from '../../../operator/cluster/directory.ts';
import { pathOf } from '../../../operator/cluster/object-key.ts';
import {
  credentialsSecretName,
  operatorNamespace,
  readCredentialsSecret,
  readSigningKeys,
  signingSecretName,
} from '../../../operator/credentials.ts';
import { makeOrganizationReconciler } from '../../../operator/organizations/reconcile.ts';
import { personaKind } from '../../../operator/personas/persona-kind.ts';
import { makeTenancyFinder } from '../../../operator/tenancy.ts';
import { makeTenantReconciler } from '../../../operator/tenant-kind.ts';
import { makeAuthenticators } from '../../../proxy/calls/identify/authenticate.ts';
import { makeIssuers } from '../../../proxy/calls/identify/tokens/issuers.ts';
import { ownIssuer } from '../../../proxy/calls/identify/tokens/own-token.ts';
import { noRevocations } from '../../../proxy/snapshot/revocations.ts';
import type { Snapshot } from '../../../proxy/snapshot/snapshot.ts';
import { makeTestDatabase } from '../../database.ts';
import { copyQuickstart, makeDirectory, replaceFile } from '../../directories.ts';
import { fetchKeySet } from '../../proxy/calls/identify/tokens/authenticator.ts';
import { atEnd } from '../../scope.ts';
import { until } from '../../until.ts';

const acme = pathOf({ name: 'acme' });
const persona = pathOf({ namespace: 'default', name: 'support-agent' });

const log = pino({ level: 'silent' });

test('token keys, data keys and the password rotate, and everything made with the old ones still works', async (t) => {
  const database = await makeTestDatabase();
  const directory = await copyQuickstart(t);
  const cluster = makeDirectoryCluster({
    directory,
    stateDirectory: await makeDirectory(t),
    environment: {},
    onProblem: (problem) => assert.fail(problem.reason),
  });
  const db = new Pool({ connectionString: database.url });
  atEnd(t, async () => {
    await cluster.close();
    await db.end();
    await database.close();
  });
  await cluster.start();
  const startMs = Date.now();
  let nowMs = startMs;
  const reconcile = makeOrganizationReconciler({
    cluster,
    db,
    operatorNamespace,
    transact: makeTransact(db),
    proxyDatabaseUrl: database.url,
    now: () => nowMs,
  });
  const reconcilePersona = makeTenantReconciler(
    { cluster, db, tenancies: makeTenancyFinder(cluster, operatorNamespace) },
    personaKind,
  );
  const credentials = () => {
    const found = readCredentialsSecret(cluster.get('Secret', operatorNamespace, credentialsSecretName('acme')));
    assert.ok(found);
    return found;
  };
  const signingKeys = () => readSigningKeys(cluster.get('Secret', operatorNamespace, signingSecretName('acme')));
  const isAccepted = async (token: string) => {
    const { organization, jwks } = credentials();
    const options = { organizationId: organization.id, issuers: makeIssuers({ log, fetchKeySet }), log };
    const { authenticate } = makeAuthenticators(options)({ jwks });
    return Promise.resolve(
      authenticate({ authorization: `Bearer ${token}` }, { revocations: noRevocations } as Snapshot),
    ).then(
      () => true,
      () => false,
    );
  };
  const sign = async () => {
    const [key] = signingKeys();
    assert.ok(key);
    const token = new SignJWT().setProtectedHeader({ alg: 'EdDSA', kid: key.kid ?? '' }).setIssuer(ownIssuer);
    return token
      .setAudience(credentials().organization.id)
      .setExpirationTime('10y')
      .sign(await importJWK(key, 'EdDSA'));
  };
  const canLogIn = async (connectionString: string) => {
    const client = new Client({ connectionString });
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  };

  await reconcile(acme);
  await reconcilePersona(persona);
  const first = credentials();
  const firstToken = await sign();
  const session = new Client({ connectionString: first.databaseUrl });
  await session.connect();

  // The platform engineer asks for new keys; `kubectl annotate` in a cluster.
  nowMs = startMs + 60_000;
  const file = join(directory, 'organization.yaml');
  const at = new Date(nowMs).toISOString();
  const yaml = await readFile(file, 'utf8');
  await replaceFile(file, yaml.replace('  name: acme', `  name: acme\n  annotations: {chaperone.dev/rotate: "${at}"}`));
  await until(() => cluster.get('Organization', '', 'acme')?.metadata.annotations?.['chaperone.dev/rotate'] === at);
  const { requeueAfterMs } = await reconcile(acme);
  const handedOut = credentials();
  assert.equal(requeueAfterMs, 300_000);
  assert.equal(handedOut.jwks.keys.length, 2, 'proxies learn the new key');
  assert.equal(signingKeys()[0]?.kid, first.jwks.keys[0]?.kid, 'before anything is signed with it');
  assert.equal(Object.keys(handedOut.dataKeys.keys).length, 2);
  assert.equal(handedOut.dataKeys.current, first.dataKeys.current);
  assert.notEqual(handedOut.databaseUrl, first.databaseUrl);
  assert.deepEqual([await canLogIn(first.databaseUrl), await canLogIn(handedOut.databaseUrl)], [false, true]);
  await session.query('select from chaperone.organizations');
  await session.end();
  assert.ok(await isAccepted(firstToken));

  // Every proxy has had the time to learn them.
  nowMs += 300_000;
  await reconcile(acme);
  const inUse = credentials();
  const secondToken = await sign();
  assert.notEqual(signingKeys()[0]?.kid, first.jwks.keys[0]?.kid);
  assert.notEqual(inUse.dataKeys.current, first.dataKeys.current);
  assert.ok((await isAccepted(firstToken)) && (await isAccepted(secondToken)));
  const personaId = cluster.get('Persona', 'default', 'support-agent')?.status?.id ?? '';
  await reconcilePersona(persona);
  const row = (await findPersonas(db, inUse.organization.id, [personaId])).get(personaId);
  assert.ok(row && makeEnvelope(inUse.dataKeys).isCurrent(row.contentSealed), 'sealed anew');
  const place = { organizationId: inUse.organization.id, column: 'personas.content', rowId: personaId };
  assert.match(makeEnvelope(handedOut.dataKeys).open(place, row.contentSealed).toString(), /support agent/);

  // No token of the first key can still be valid.
  nowMs += 8_760 * 3_600_000 + 1_000;
  await reconcile(acme);
  assert.deepEqual([await isAccepted(firstToken), await isAccepted(secondToken)], [false, true]);
  assert.deepEqual(Object.keys(credentials().dataKeys.keys).sort(), Object.keys(inUse.dataKeys.keys).sort());
  const { requeueAfterMs: never } = await reconcile(acme);
  assert.equal(never, undefined);
});
