import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiKeyBinding } from '../../../crds/resources.generated.ts';
import {
  type ApiKeyRow,
  decideBinding,
  foretellRival,
  judgeHandOut,
  withoutHandOut,
} from '../../../operator/api-key-bindings/decide.ts';
import { type GatheredBinding, sha256 } from '../../../operator/api-key-bindings/gather.ts';
import { makeBinding, makeOrganization } from '../memory-cluster.ts';
import { makeTenantObject, organizationId, rowId } from '../tenant-object.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const fingerprint = sha256('sk-secret').toString('hex').slice(0, 16);
const row: ApiKeyRow = {
  organizationId,
  apiKeyId: rowId,
  resource: 'web/key',
  servesNamespace: 'web',
  provider: 'openai',
  userExternalId: null,
  models: null,
  fingerprint,
  isActive: true,
  expiresAt: null,
  key: 'sk-secret',
  syntheticKeySha256: sha256('chp_out'),
  roles: ['member'],
  rules: null,
};

const gatheredAs = (gathered: Partial<GatheredBinding>, binding = makeBinding('web/key')): GatheredBinding => ({
  ...{
    binding,
    hasProvider: true,
    providerKey: 'sk-secret',
    syntheticKey: 'chp_out',
    competition: { rival: undefined, nextExpiryMs: undefined },
    stored: undefined,
    keepsFormerRoles: false,
    isOperatorsSecret: false,
  },
  ...gathered,
});

function decide(spec: Partial<ApiKeyBinding['spec']> = {}, gathered: Partial<GatheredBinding> = {}) {
  const binding = makeBinding('web/key', spec);
  return decideBinding(gatheredAs(gathered, binding), makeTenantObject<'ApiKeyBinding'>(binding), 'chp_fresh', nowMs);
}

function apply(...args: Parameters<typeof decide>) {
  const decision = decide(...args);
  assert.ok(decision.action === 'apply');
  return decision;
}

test('a key is written with the issued synthetic key', () => {
  assert.deepEqual(apply(), {
    action: 'apply',
    write: row,
    syntheticKey: 'chp_out',
    fingerprint,
    verdict: {
      type: 'Ready',
      status: true,
      reason: 'Ready',
      message: 'The key is in force, for the pods of namespace "web".',
    },
    requeueAfterMs: undefined,
  });
});

test('a key whose row is up to date is not written again', () => {
  assert.equal(apply({}, { stored: row }).write, undefined);
});

test('a lost synthetic key is replaced, and the row with it', () => {
  const { syntheticKey, write } = apply({}, { stored: row, syntheticKey: undefined });
  assert.equal(syntheticKey, 'chp_fresh');
  assert.deepEqual(write?.syntheticKeySha256, sha256('chp_fresh'));
});

const basics = { per: 'Key', whenUnavailable: 'Allow' } as const;
const limit: NonNullable<ApiKeyBinding['spec']['limits']>[number] = {
  ...basics,
  name: 'calls',
  action: 'Enforce',
  requests: { count: 10, window: '1m' },
};
const budget: NonNullable<ApiKeyBinding['spec']['budgets']>[number] = {
  ...basics,
  ...{ name: 'month', amountUsd: '10', window: 'Month', warnAt: [80], action: 'Block' },
  ...{ onShortfall: 'Refuse', unpriced: 'Refuse' },
};
const changes: readonly (readonly [Partial<ApiKeyBinding['spec']>, Partial<GatheredBinding>, Partial<ApiKeyRow>])[] = [
  [{ models: ['gpt-*'] }, {}, { models: ['gpt-*'] }],
  [{ provider: 'local' }, {}, { provider: 'local' }],
  [{ active: false }, {}, { isActive: false }],
  [{ limits: [], tier: 'free' }, {}, { rules: { tier: 'free' } }],
  [{ limits: [limit], budgets: [budget] }, {}, { rules: { limits: [limit], budgets: [budget] } }],
  [{ expiresAt: '2027-01-01T00:00:00Z' }, {}, { expiresAt: new Date('2027-01-01T00:00:00Z') }],
  [{}, { providerKey: 'sk-new' }, { key: 'sk-new', fingerprint: sha256('sk-new').toString('hex').slice(0, 16) }],
];
for (const [spec, gathered, expected] of changes) {
  test(`a change is written: ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(apply(spec, { stored: row, ...gathered }).write, { ...row, ...expected });
  });
}

test('an inactive binding is not Ready', () => {
  const { verdict } = apply({ active: false }, { stored: row });
  assert.deepEqual([verdict.status, verdict.reason], [false, 'Inactive']);
  assert.match(verdict.message, /spec\.active is false/);
});

const withdrawals: readonly (readonly [Partial<GatheredBinding>, string, RegExp])[] = [
  [{ hasProvider: false }, 'ProviderNotFound', /Organization "acme" has no provider "openai"/],
  [{ isOperatorsSecret: true }, 'SecretNotPermitted', /The operator made Secret "openai-key"/],
  [{ providerKey: undefined }, 'SecretNotFound', /There is no Secret "openai-key" with a key "api-key"/],
  [{ providerKey: '“sk-quoted”' }, 'SecretInvalid', /The value of key "api-key" in Secret "openai-key" cannot be/],
  [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as files have it
    { providerKey: '${OPENAI_API_KEY:-sk-sandbox}' },
    'SecretInvalid',
    /only `chaperone up` replaces .*, and kubectl does not\./,
  ],
  [{ providerKey: 'sk-one\nsk-two' }, 'SecretInvalid', /line breaks/],
];
for (const [gathered, reason, message] of withdrawals) {
  test(`${reason}: the key is not in force`, () => {
    const { action, verdict } = decide({}, { stored: row, ...gathered });
    assert.deepEqual([action, verdict.status, verdict.reason], ['withdraw', false, reason]);
    assert.match(verdict.message, message);
  });
}

const taken = judgeHandOut('key-synthetic-key', true, 'exists already');

test('a provider key stays in force when its synthetic key cannot be issued, and the condition says why', () => {
  assert.equal(taken.reason, 'SyntheticKeySecretTaken');
  assert.match(taken.message, /Secret "key-synthetic-key" belongs to somebody else.*\. Rename or delete it/);
  assert.equal(judgeHandOut('key-synthetic-key', false, 'exceeded quota').reason, 'SyntheticKeySecretRefused');
  const first = { stored: undefined, syntheticKey: undefined };
  const decision = withoutHandOut(apply({}, first), gatheredAs(first), taken);
  assert.equal(decision.write?.key, 'sk-secret');
  assert.deepEqual([decision.verdict, decision.requeueAfterMs], [taken, 10_000]);
});

test('a further attempt writes only other changes', () => {
  const again = { stored: row, syntheticKey: undefined };
  assert.equal(withoutHandOut(apply({}, again), gatheredAs(again), taken).write, undefined);
  assert.equal(withoutHandOut(apply({ active: false }, again), gatheredAs(again), taken).write?.isActive, false);
});

test('a worse problem takes the place of a synthetic key that was not issued', () => {
  const expired = apply({ expiresAt: '2025-12-31T23:59:59Z' });
  assert.equal(withoutHandOut(expired, gatheredAs({}), taken).verdict.reason, 'Expired');
});

const ends: readonly (readonly [string, string, number | undefined])[] = [
  ['2026-01-01T00:00:10Z', 'Ready', 10_000],
  ['2026-01-01T00:00:00Z', 'Expired', undefined],
  ['2025-12-31T23:59:59Z', 'Expired', undefined],
  // No timer reaches that far.
  ['2099-01-01T00:00:00Z', 'Ready', 2 ** 31 - 1],
];
for (const [expiresAt, reason, requeueAfterMs] of ends) {
  test(`a key until ${expiresAt} is ${reason}, and is reconciled again after ${requeueAfterMs} ms`, () => {
    const decision = apply({ expiresAt });
    assert.deepEqual([decision.verdict.reason, decision.requeueAfterMs], [reason, requeueAfterMs]);
  });
}

test('no condition and no Event shows the key', () => {
  for (const gathered of [{}, { hasProvider: false }, { providerKey: undefined }]) {
    assert.doesNotMatch(JSON.stringify(decide({}, gathered).verdict), /sk-secret/);
  }
});

test('a competing binding is withdrawn, names the older one, and is reconciled again when that expires', () => {
  const rival = makeBinding('platform/older', { user: 'ada' });
  const competition = { rival, nextExpiryMs: 10_000 };
  const decision = decide({}, { stored: row, competition });
  assert.ok(decision.action === 'withdraw');
  assert.deepEqual([decision.verdict.reason, decision.requeueAfterMs], ['Competing', 10_000]);
  assert.match(decision.verdict.message, /ApiKeyBinding platform\/older is older .*user "ada" to provider "openai"/);
  assert.equal(
    apply({ active: false }, { competition }).verdict.reason,
    'Inactive',
    'one that is not active is in nobody’s way',
  );
  assert.equal(apply({}, { competition: { rival: undefined, nextExpiryMs: 10_000 } }).requeueAfterMs, 10_000);
});

test('a binding from before spec.sharing stays in force, and its condition says what will change', () => {
  const sharing = [{ namespace: 'web', resources: ['ApiKeyBinding' as const] }];
  const acme = makeOrganization('acme', { sharing }, { status: { sharing: 'Former' } });
  const binding = makeBinding('web/key');
  const object = makeTenantObject<'ApiKeyBinding'>(binding, acme);
  const gathered = gatheredAs({ competition: { rival: makeBinding('web/older'), nextExpiryMs: undefined } }, binding);
  assert.equal(decideBinding(gathered, object, 'chp_fresh', nowMs).action, 'apply');
  const foretold = foretellRival(gathered, object);
  assert.deepEqual([foretold?.type, foretold?.status, foretold?.reason], ['Consent', false, 'WillCompete']);
  assert.match(foretold?.message ?? '', /this binding will not be in force: ApiKeyBinding web\/older is older/);
});
