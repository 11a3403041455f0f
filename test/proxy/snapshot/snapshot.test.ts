import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import type { ConfigApiKey, ConfigChanges, ConfigPersona } from '../../../database/config.ts';
import { EnvelopeError, generateDataKeys, makeEnvelope } from '../../../database/envelope.ts';
import { openSnapshot } from '../../../proxy/snapshot/open-snapshot.ts';
import { makeRowOpener } from '../../../proxy/snapshot/row-opener.ts';
import { applyChanges, emptySnapshot } from '../../../proxy/snapshot/sealed-snapshot.ts';
import { organizationSpec } from '../../database/tenant.ts';
import { organizationId } from '../snapshot.ts';

const envelope = makeEnvelope(generateDataKeys());
const shop = makeEnvelope(generateDataKeys());
/** Of a pod in the namespace `shop`. */
const envelopes = { organization: envelope, namespaces: new Map([['shop', shop]]) };
const defaultBaseUrl = 'https://api.openai.com/v1';

function seal(column: string, rowId: string, text: string, by = envelope): string {
  return by.seal({ organizationId, column, rowId }, text).toString('base64');
}

function makePersona(id: string, changes: Partial<ConfigPersona> = {}): ConfigPersona {
  return {
    persona_id: id,
    resource: `team/${id}`,
    name: id,
    description: null,
    content_sealed: seal('personas.content', id, `I am ${id}.`),
    users: [],
    model: null,
    parameters: {},
    is_active: true,
    is_deleted: false,
    created_at: '2026-01-01T00:00:00.123456+00:00',
    updated_at: '2026-01-02T00:00:00+00:00',
    ...changes,
  };
}

function makeKey(id: string, changes: Partial<ConfigApiKey> = {}): ConfigApiKey {
  return {
    api_key_id: id,
    resource: `team/${id}`,
    provider: 'openai',
    user_external_id: null,
    models: null,
    key_sealed: seal('api_keys.key', id, `sk-${id}`),
    synthetic_key_sha256: `hash of ${id}`,
    is_active: true,
    is_deleted: false,
    expires_at_ms: null,
    ...changes,
  };
}

function makeChanges(version: number, changes: Partial<ConfigChanges> = {}): ConfigChanges {
  const none = { personas: [], users: [], apiKeys: [], revocations: [], accessKeys: [], deployments: [] };
  return { version, ageMs: 0, organization: undefined, ...none, ...changes };
}

function makeOrganization(spec: Partial<OrganizationSpec> = {}, sharesByDefault = false) {
  const rest = { is_deleted: false, shares_by_default: sharesByDefault };
  return { organization_id: organizationId, name: 'acme', spec: { ...organizationSpec, ...spec }, ...rest };
}

function open(changes: Partial<ConfigChanges>, spec: Partial<OrganizationSpec> = {}) {
  const sealed = applyChanges(emptySnapshot, makeChanges(1, { organization: makeOrganization(spec), ...changes }));
  const snapshot = openSnapshot(sealed, makeRowOpener(organizationId, envelopes), { upstreamUrl: defaultBaseUrl });
  assert.ok(snapshot);
  return snapshot;
}

test('changes add, replace and delete rows, and keep the others', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((id) => makePersona(id));
  const key = makeKey('k');
  const organization = makeOrganization();
  assert.ok(a && b && c);
  const first = applyChanges(emptySnapshot, makeChanges(3, { organization, personas: [a, b], apiKeys: [key] }));
  const renamed = { ...b, name: 'new' };
  const second = applyChanges(first, makeChanges(5, { personas: [renamed, c, { ...a, is_deleted: true }] }));
  assert.deepEqual([...second.personas.values()], [renamed, c]);
  assert.deepEqual([second.version, second.organization, [...second.apiKeys.values()]], [5, organization, [key]]);
  const third = applyChanges(second, makeChanges(6, { apiKeys: [{ ...key, key_sealed: '', is_deleted: true }] }));
  assert.equal(third.apiKeys.size, 0);
  assert.deepEqual([...first.personas.values()], [a, b], 'a snapshot that calls use does not change');
});

test('without its organization, a snapshot does not exist', () => {
  assert.equal(
    openSnapshot(emptySnapshot, makeRowOpener(organizationId, envelopes), { upstreamUrl: defaultBaseUrl }),
    undefined,
  );
});

test('personas are opened, active or not', () => {
  const { personas } = open({
    personas: [makePersona('a', { users: ['ada'], model: 'o3' }), makePersona('b', { is_active: false })],
  });
  assert.deepEqual(personas.get('a'), {
    id: 'a',
    resource: 'team/a',
    name: 'a',
    description: null,
    content: 'I am a.',
    users: new Set(['ada']),
    model: 'o3',
    parameters: {},
    isActive: true,
    createdAt: '2026-01-01T00:00:00.123Z',
    updatedAt: '2026-01-02T00:00:00.000Z',
  });
  assert.equal(personas.get('b')?.isActive, false);
});

test('keys are found by id, by user, and for the whole organization', () => {
  const { keys, keysByUser, organizationKeys, syntheticKeys } = open({
    apiKeys: [
      makeKey('k3'),
      makeKey('k1', { expires_at_ms: 5, roles: ['analyst'], rules: { tier: 'free' } }),
      makeKey('k2', { user_external_id: 'ada', models: ['gpt-4o*'] }),
      makeKey('k0', { user_external_id: 'ada' }),
      makeKey('k4', { is_active: false }),
      makeKey('k5', { provider: 'elsewhere' }),
    ],
  });
  const ids = (list: readonly { id: string }[] | undefined) => list?.map(({ id }) => id);
  assert.deepEqual(ids(organizationKeys), ['k1', 'k3']);
  assert.deepEqual(ids(keysByUser.get('ada')), ['k0', 'k2']);
  assert.deepEqual([...keys.keys()], ['k0', 'k1', 'k2', 'k3']);
  const key = keys.get('k2');
  assert.deepEqual([keys.get('k1')?.rules, key?.rules, key?.binding], [{ tier: 'free' }, undefined, 'team/k2']);
  assert.deepEqual([key?.secret, key?.servesModel('gpt-4o-mini'), key?.servesModel('o3')], ['sk-k2', true, false]);
  assert.deepEqual([keys.get('k1')?.expiresAtMs, key?.expiresAtMs], [5, Number.POSITIVE_INFINITY]);
  assert.deepEqual(syntheticKeys.get('hash of k2'), {
    user: 'ada',
    namespace: 'team',
    roles: [],
    expiresAtMs: Number.POSITIVE_INFINITY,
  });
  assert.deepEqual(syntheticKeys.get('hash of k1'), {
    user: undefined,
    namespace: 'team',
    roles: ['analyst'],
    expiresAtMs: 5,
  });
  assert.equal(syntheticKeys.has('hash of k4'), false);
});

test('the organization’s settings are in force', () => {
  const timeouts = { headers: '2s', idle: '1m' };
  const snapshot = open(
    {},
    {
      models: { allow: ['gpt-*'], deny: ['gpt-4'] },
      storage: { contents: 'None', analysisLifetime: '720h' },
      authentication: { tokenLifetime: '1h', leeway: '30s', requireUser: false, defaultRoles: ['admin'] },
      providers: [
        { name: 'openai', type: 'openai', timeouts },
        { name: 'local', type: 'compatible', baseUrl: 'http://127.0.0.1:8080/openai/v1/', timeouts },
      ],
    },
  );
  assert.deepEqual(
    [snapshot.allowsModel('gpt-4o'), snapshot.allowsModel('gpt-4'), snapshot.allowsModel('o3')],
    [true, false, false],
  );
  assert.deepEqual([snapshot.storesContents, snapshot.requireUser, snapshot.isDeleted], [false, false, false]);
  const waits = { headersTimeoutMs: 2_000, idleTimeoutMs: 60_000 };
  const { servesModel: _, ...openai } = snapshot.providers.get('openai') ?? {};
  const unranked = {
    connectTimeoutMs: undefined,
    totalTimeoutMs: undefined,
    priority: 0,
    weight: 0,
    names: undefined,
    repeats: 0,
    breaker: { failures: 5, pauseMs: 30_000 },
    propagatesTraceContext: false,
  };
  assert.deepEqual(openai, {
    name: 'openai',
    type: 'openai',
    origin: 'https://api.openai.com',
    basePath: '/v1',
    ...waits,
    ...unranked,
  });
  const { servesModel: __, ...local } = snapshot.providers.get('local') ?? {};
  assert.deepEqual(local, {
    name: 'local',
    type: 'compatible',
    origin: 'http://127.0.0.1:8080',
    basePath: '/openai/v1',
    ...waits,
    ...unranked,
  });
});

test('a sealed value that was moved from another row cannot be opened', () => {
  const moved = makePersona('b', { content_sealed: makePersona('a').content_sealed });
  assert.throws(() => open({ personas: [moved] }), EnvelopeError);
  assert.throws(() => open({ apiKeys: [makeKey('k2', { key_sealed: makeKey('k1').key_sealed })] }), EnvelopeError);
});

test('an unchanged row is opened only once', () => {
  const opener = makeRowOpener(organizationId, envelopes);
  const row = makePersona('a');
  assert.equal(opener.persona(row), opener.persona(row));
  assert.notEqual(opener.persona({ ...row }), opener.persona(row));
});

test('the surfaces are those that the organization names, or all', () => {
  assert.equal(open({}).surfaces, undefined);
  assert.deepEqual(open({}, { surfaces: ['chat', 'audio'] }).surfaces, new Set(['chat', 'audio']));
});

describe('among several keys', () => {
  const providers: OrganizationSpec['providers'] = ['openai', 'local'].map((name) => ({
    ...{ name, type: 'compatible', baseUrl: 'http://127.0.0.1/v1' },
    timeouts: { headers: '600s', idle: '120s' },
  }));
  const apiKeys = [
    makeKey('k1', { resource: 'bank/key' }),
    makeKey('k2', { resource: 'bank/key', provider: 'local', user_external_id: 'ada' }),
    makeKey('k3', { resource: 'bank/key', user_external_id: 'ada' }),
    makeKey('k4', { resource: 'shop/key', provider: 'local' }),
    makeKey('k5', { resource: 'app/key' }),
    makeKey('k6', { resource: 'shop/key', models: ['a'] }),
    makeKey('k0', { resource: 'shop/key', models: ['b'] }),
  ];
  const order = (sharesByDefault: boolean) => {
    const sealed = makeChanges(1, { organization: makeOrganization({ providers }, sharesByDefault), apiKeys });
    const opener = makeRowOpener(organizationId, envelopes);
    const snapshot = openSnapshot(applyChanges(emptySnapshot, sealed), opener, { upstreamUrl: defaultBaseUrl });
    const ids = (list: readonly { id: string }[] = []) => list.map(({ id }) => id).join(' ');
    return [ids(snapshot?.organizationKeys), ids(snapshot?.keysByUser.get('ada'))];
  };

  test('those of the own namespace come first, then those of the first provider, then those of the first namespace', () => {
    assert.deepEqual(order(false), ['k0 k6 k4 k5 k1', 'k3 k2']);
  });

  test('the lowest id comes first in an organization without spec.sharing', () => {
    assert.deepEqual(order(true), ['k0 k1 k4 k5 k6', 'k2 k3']);
  });
});

test('those for another namespace are left out, and never opened', () => {
  const sealedFor = (namespace: string, by = shop) => ({
    persona: makePersona(namespace, {
      serves_namespace: namespace,
      content_sealed: seal('personas.content', namespace, `I am ${namespace}’s.`, by),
    }),
    key: makeKey(namespace, {
      serves_namespace: namespace,
      key_sealed: seal('api_keys.key', namespace, `sk-${namespace}`, by),
    }),
  });
  const [own, others] = [sealedFor('shop'), sealedFor('bank', makeEnvelope(generateDataKeys()))];
  const rows = { personas: [own.persona, others.persona], apiKeys: [own.key, others.key, makeKey('shared')] };
  const { personas, keys, organizationKeys, syntheticKeys } = open(rows);
  assert.deepEqual(
    [...personas.values()].map(({ content }) => content),
    ['I am shop’s.'],
  );
  assert.deepEqual([...keys.values()].map(({ secret }) => secret).sort(), ['sk-shared', 'sk-shop']);
  assert.equal(organizationKeys.length, 2);
  assert.deepEqual([...syntheticKeys.keys()].sort(), ['hash of shared', 'hash of shop']);
  assert.throws(
    () => open({ apiKeys: [makeKey('shop', { key_sealed: own.key.key_sealed })] }),
    EnvelopeError,
    'a namespace’s key is no organization’s',
  );
});
