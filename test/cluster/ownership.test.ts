import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { binding, decode, isRefusedWith, organization, secret, type TestObject } from './resources.ts';
import { governance, type RunningOperator, type Stage, setStage } from './stage.ts';

const operatorsLabels = (name: string) => ({
  'app.kubernetes.io/managed-by': 'chaperone',
  'chaperone.dev/organization': name,
});

/** What a stranger may write who has read how credentials look. */
const forgedCredentials = (organizationId: string, name: string) =>
  secret({
    'organization.json': JSON.stringify({ id: organizationId, name }),
    'database-url': 'postgres://mallory:mallory@127.0.0.1:1/elsewhere',
    'jwks.json': JSON.stringify({ keys: [] }),
    'data-keys.json': JSON.stringify({ current: 'forged', keys: { forged: Buffer.alloc(32, 7).toString('base64') } }),
    'login-issued-at': '1',
  });

const keysOf = (found: TestObject | undefined): object => JSON.parse(decode(found, 'data-keys.json')).keys;
const sharedKeysOf = (found: TestObject | undefined): { k: string }[] =>
  JSON.parse(decode(found, 'jwks.json')).keys.filter(({ kty }: { kty: string }) => kty === 'oct');

describe('the operator changes only objects that it made itself', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let hands: Stage['hands'];
  let operator: RunningOperator;

  const label = (path: string, labels: Readonly<Record<string, string | null>>) =>
    hands.change('Secret', path, { metadata: { labels } });
  const find = (path: string) => hands.find('Secret', path);
  const conditionOf = (object: TestObject | undefined, type: string) =>
    object?.status?.conditions?.find((condition) => condition.type === type);
  const makeMembers = async (name: string, ...namespaces: readonly string[]) => {
    for (const namespace of namespaces) await hands.create('Namespace', namespace, {}, { labels: { org: name } });
  };
  const create = (name: string, changes: object = {}) =>
    hands.create('Organization', name, organization({ namespaceSelector: { matchLabels: { org: name } }, ...changes }));
  const sharing = (name: string, key: string) => ({ authentication: { sharedSecretRef: { name, key } } });
  const restart = async (meanwhile: () => Promise<unknown>) => {
    await operator.idle();
    await operator.stop();
    await meanwhile();
    operator = await stage.startOperator();
  };

  before(async () => {
    stage = await setStage(scope);
    hands = stage.hands;
    await makeMembers('acme', 'api');
    await makeMembers('globex', 'globex');
    operator = await stage.startOperator();
    await create('acme');
    await create('globex');
    await hands.untilReason('Organization', 'acme', 'Ready');
    await hands.untilReason('Organization', 'globex', 'Ready');
  });
  after(async () => operator?.stop());

  test('every Secret that it makes is labelled with the uid of its object', async () => {
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
    await hands.create('ApiKeyBinding', 'web/openai', binding());
    const bound = await hands.untilReason('ApiKeyBinding', 'web/openai', 'Ready');
    const acme = await hands.find('Organization', 'acme');
    for (const [path, owner] of [
      [`${governance}/chaperone-acme`, acme],
      [`${governance}/chaperone-acme-signing-keys`, acme],
      ['web/chaperone-acme', acme],
      ['web/openai-synthetic-key', bound],
    ] as const) {
      assert.equal((await find(path))?.metadata.labels?.['chaperone.dev/owner-uid'], owner?.metadata.uid, path);
    }
  });

  for (const name of ['globex-signing-keys', 'x-synthetic-key', 'webhook-tls']) {
    test(`an Organization ${name} is refused`, async () => {
      await assert.rejects(create(name), isRefusedWith(422));
    });
  }

  test('an Organization that is older than the reservation of its name says so, and overwrites nothing', async () => {
    const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/organizations.chaperone.dev';
    const rules = '/spec/versions/0/schema/openAPIV3Schema/x-kubernetes-validations';
    const patch = (body: readonly object[]) =>
      stage.client.send<object>({
        method: 'PATCH',
        path: definition,
        contentType: 'application/json-patch+json',
        body,
      });
    const { body } = await stage.server.request('GET', definition);
    const keys = await find(`${governance}/chaperone-globex-signing-keys`);
    const known = (body as { spec: { versions: { schema: { openAPIV3Schema: Record<string, unknown> } }[] } }).spec
      .versions[0]?.schema.openAPIV3Schema['x-kubernetes-validations'];
    if (known) await patch([{ op: 'remove', path: rules }]);
    await until(() =>
      create('globex-signing-keys').then(
        () => true,
        () => false,
      ),
    );
    if (known) await patch([{ op: 'add', path: rules, value: known }]);
    const late = await hands.untilReason('Organization', 'globex-signing-keys', 'NameReserved');
    assert.match(conditionOf(late, 'Ready')?.message ?? '', /Create an Organization of another name/);
    await operator.idle();
    assert.deepEqual((await find(`${governance}/chaperone-globex-signing-keys`))?.data, keys?.data);
    await hands.remove('Organization', 'globex-signing-keys');
    await hands.untilGone('Organization', 'globex-signing-keys');
    assert.deepEqual((await find(`${governance}/chaperone-globex-signing-keys`))?.data, keys?.data);
  });

  test('the private keys of another organization are never accepted as a shared secret', async () => {
    await makeMembers('spy', 'spy');
    await create('spy', sharing('chaperone-globex-signing-keys', 'keys.json'));
    await hands.untilReason('Organization', 'spy', 'SharedSecretNotPermitted');
    assert.deepEqual(sharedKeysOf(await find('spy/chaperone-spy')), []);
    // A label of the stranger's own does not help.
    await label(`${governance}/chaperone-globex-signing-keys`, { 'chaperone.dev/shared-secret-of': 'spy' });
    await operator.idle();
    await hands.untilReason('Organization', 'spy', 'SharedSecretNotPermitted');
    assert.deepEqual(sharedKeysOf(await find('spy/chaperone-spy')), []);
  });

  test('a Secret is a shared secret only with its label, and one that was in force before stays in force with a condition', async () => {
    await hands.create('Secret', `${governance}/legacy`, secret({ key: 'correct horse' }));
    await makeMembers('legacy', 'legacy');
    await create('legacy', sharing('legacy', 'key'));
    await hands.untilReason('Organization', 'legacy', 'SharedSecretNotPermitted');
    const path = 'legacy/chaperone-legacy';
    assert.deepEqual(sharedKeysOf(await find(path)), []);
    await label(`${governance}/legacy`, { 'chaperone.dev/shared-secret-of': 'legacy' });
    await hands.untilReason('Organization', 'legacy', 'Ready');
    assert.equal(sharedKeysOf(await find(path))[0]?.k, Buffer.from('correct horse').toString('base64url'));
    await label(`${governance}/legacy`, { 'chaperone.dev/shared-secret-of': null });
    const told = await hands.untilReason('Organization', 'legacy', 'SharedSecretUnlabelled');
    assert.match(conditionOf(told, 'Ready')?.message ?? '', /kubectl label secret --namespace governance legacy/);
    assert.equal(sharedKeysOf(await find(path)).length, 1);
    await hands.change('Secret', `${governance}/legacy`, secret({ key: 'other' }));
    await hands.untilReason('Organization', 'legacy', 'SharedSecretNotPermitted');
    assert.deepEqual(sharedKeysOf(await find(path)), []);
  });

  test('a Secret with the name of a new Organization’s credentials is neither trusted nor overwritten', async () => {
    await makeMembers('hooli', 'hooli-1', 'hooli-2');
    const forged = forgedCredentials('5d0a3c53-3a0e-4f4c-9e0b-0d3f0f4a7c11', 'hooli');
    await hands.create('Secret', 'hooli-1/chaperone-hooli', forged, { labels: operatorsLabels('hooli') });
    const before = await find('hooli-1/chaperone-hooli');
    await create('hooli');
    const told = await hands.untilReason('Organization', 'hooli', 'NamespacesWithoutCredentials');
    assert.match(conditionOf(told, 'Ready')?.message ?? '', /hooli-1 \(.*rename or delete it/);
    assert.ok(!Object.hasOwn(keysOf(await find(`${governance}/chaperone-hooli`)), 'forged'));
    assert.deepEqual(await find('hooli-1/chaperone-hooli'), before);
    await hands.remove('Secret', 'hooli-1/chaperone-hooli');
    await hands.untilReason('Organization', 'hooli', 'Ready');
  });

  test('a Secret of that name in the operator’s namespace is neither trusted nor overwritten', async () => {
    for (const [name, labels] of [
      ['pied', operatorsLabels('pied')],
      ['piper', {}],
    ] as const) {
      const path = `${governance}/chaperone-${name}`;
      await makeMembers(name, name);
      const forged = forgedCredentials('5d0a3c53-3a0e-4f4c-9e0b-0d3f0f4a7c11', name);
      await hands.create('Secret', path, forged, { labels });
      const before = await find(path);
      await create(name);
      const told = await hands.untilReason('Organization', name, 'SecretTaken');
      assert.match(conditionOf(told, 'CredentialsReady')?.message ?? '', new RegExp(`Secret "${path}"`));
      assert.deepEqual(await find(path), before);
      assert.equal(await find(`${name}/chaperone-${name}`), undefined);
      await hands.remove('Secret', path);
      await hands.untilReason('Organization', name, 'Ready');
      assert.ok(!Object.hasOwn(keysOf(await find(path)), 'forged'));
    }
  });

  test('lost credentials are restored from a proven copy, and not from one that was written by hand', async () => {
    const path = `${governance}/chaperone-acme`;
    const keys = keysOf(await find(path));
    const acme = await hands.find('Organization', 'acme');
    await restart(async () => {
      // The first of the copies, by name.
      await hands.change('Secret', 'api/chaperone-acme', forgedCredentials(acme?.status?.id ?? '', 'acme'));
      await hands.remove('Secret', path);
    });
    await until(() => find(path));
    assert.deepEqual(keysOf(await find(path)), keys);
    await until(async () => JSON.stringify(keysOf(await find('api/chaperone-acme'))) === JSON.stringify(keys));
    await hands.untilReason('Organization', 'acme', 'Ready');
  });

  test('an older installation is taken over as it is', async () => {
    const paths = ['api/chaperone-acme', 'web/chaperone-acme', 'web/openai-synthetic-key'];
    for (const name of ['acme', 'globex']) {
      paths.push(`${governance}/chaperone-${name}`, `${governance}/chaperone-${name}-signing-keys`);
    }
    const before = await Promise.all(paths.map(find));
    await restart(async () => {
      for (const path of paths) await label(path, { 'chaperone.dev/owner-uid': null });
      await stage.db.query(`update chaperone.organizations set data_key_digests = '{}'`);
    });
    for (const [index, path] of paths.entries()) {
      const found = await until(async () => {
        const one = await find(path);
        return one?.metadata.labels?.['chaperone.dev/owner-uid'] !== undefined && one;
      }, path);
      assert.deepEqual(found.data, before[index]?.data, path);
      assert.equal(found.metadata.uid, before[index]?.metadata.uid, path);
    }
    await operator.idle();
    const { rows } = await stage.db.query<{ count: number }>(
      `select cardinality(data_key_digests) as count from chaperone.organizations where name in ('acme', 'globex')`,
    );
    assert.deepEqual(rows, [{ count: 1 }, { count: 1 }]);
  });

  test('lost credentials without a proven copy wait for a person', async () => {
    const path = `${governance}/chaperone-globex`;
    const keys = keysOf(await find(path));
    await restart(async () => {
      await stage.db.query(`update chaperone.organizations set data_key_digests = '{}' where name = 'globex'`);
      await hands.remove('Secret', path);
    });
    await hands.untilReason('Organization', 'globex', 'CredentialsUnproven');
    assert.equal(await find(path), undefined);
    const copy = await find('globex/chaperone-globex');
    await hands.create('Secret', path, { data: copy?.data }, { labels: copy?.metadata.labels });
    await hands.untilReason('Organization', 'globex', 'Ready');
    assert.deepEqual(keysOf(await find(path)), keys);
  });

  test('an Organization that was deleted with its data kept gets its keys back', async () => {
    await makeMembers('phoenix', 'phoenix');
    await create('phoenix', { deletionPolicy: 'Retain' });
    const first = await hands.untilReason('Organization', 'phoenix', 'Ready');
    const paths = [`${governance}/chaperone-phoenix`, `${governance}/chaperone-phoenix-signing-keys`];
    const before = await Promise.all(paths.map(find));
    await hands.remove('Organization', 'phoenix');
    await hands.untilGone('Organization', 'phoenix');
    await hands.untilGone('Secret', 'phoenix/chaperone-phoenix');
    await create('phoenix');
    const second = await hands.untilReason('Organization', 'phoenix', 'Ready');
    assert.equal(second.status?.id, first.status?.id);
    const [credentials, signing] = await Promise.all(paths.map(find));
    assert.deepEqual(keysOf(credentials), keysOf(before[0]));
    assert.deepEqual(signing?.data, before[1]?.data);
    assert.equal(signing?.metadata.labels?.['chaperone.dev/owner-uid'], second.metadata.uid);
  });

  test('an id that somebody wrote into a status does not take another organization’s data', async () => {
    const globex = await hands.find('Organization', 'globex');
    await makeMembers('thief', 'thief');
    await restart(async () => {
      await create('thief');
      const path = '/apis/chaperone.dev/v1alpha1/organizations/thief/status';
      const body = { status: { id: globex?.status?.id } };
      await stage.client.send({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
    });
    const thief = await hands.untilReason('Organization', 'thief', 'Ready');
    assert.notEqual(thief.status?.id, globex?.status?.id);
    const { rows } = await stage.db.query('select name from chaperone.organizations where organization_id = $1', [
      globex?.status?.id,
    ]);
    assert.deepEqual(rows, [{ name: 'globex' }]);
  });

  test('a Secret of the operator is never accepted as a provider key', async () => {
    for (const [name, key] of [
      ['chaperone-acme', 'data-keys.json'],
      ['openai-synthetic-key', 'api-key'],
    ] as const) {
      await hands.create('ApiKeyBinding', `web/leak-${key}`, binding({ secretKeyRef: { name, key } }));
      const told = await hands.untilReason('ApiKeyBinding', `web/leak-${key}`, 'SecretNotPermitted');
      assert.match(conditionOf(told, 'Ready')?.message ?? '', /Name a Secret of your own/);
      const { rows } = await stage.db.query(
        'select from chaperone.api_keys where resource = $1 and deleted_at is null',
        [`web/leak-${key}`],
      );
      assert.equal(rows.length, 0);
    }
  });

  test('a Secret that is older than its binding is not used as its synthetic key', async () => {
    const path = 'web/early-synthetic-key';
    const labels = { ...operatorsLabels('acme'), 'chaperone.dev/binding': 'early' };
    await hands.create('Secret', path, secret({ 'api-key': `chp_${'m'.repeat(32)}` }), { labels });
    const before = await find(path);
    // A user's, so that it does not compete with the other.
    await hands.create('ApiKeyBinding', 'web/early', binding({ user: 'early' }));
    const told = await hands.untilReason('ApiKeyBinding', 'web/early', 'SyntheticKeySecretTaken');
    assert.equal(told.status?.secretName, undefined);
    assert.deepEqual(await find(path), before);
    await hands.remove('Secret', path);
    await hands.untilReason('ApiKeyBinding', 'web/early', 'Ready');
    assert.notEqual(decode(await find(path), 'api-key'), `chp_${'m'.repeat(32)}`);
  });
});
