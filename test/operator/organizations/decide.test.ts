import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Organization, OrganizationSpec } from '../../../crds/resources.generated.ts';
import { generateDataKeys } from '../../../database/envelope.ts';
import {
  decideOrganization,
  finalizer,
  judgeFailures,
  judgeMembers,
  judgeOrganization,
  judgeRefusal,
} from '../../../operator/organizations/decide.ts';
import type { GatheredOrganization } from '../../../operator/organizations/gather.ts';
import { makeMeta, makeOrganization } from '../memory-cluster.ts';

const credentials = {
  organization: { id: 'id', name: 'acme' },
  databaseUrl: 'postgres://role:password@db/chaperone',
  jwks: { keys: [] },
  dataKeys: { ...generateDataKeys(), issuedAtS: {} },
  loginIssuedAtS: 0,
};

const acme = makeOrganization('acme', {}, { metadata: makeMeta('acme', { finalizers: [finalizer] }) });

const settled: GatheredOrganization = {
  organization: acme,
  operatorNamespace: 'chaperone-system',
  organizationId: 'id',
  storedId: 'id',
  keepsOldDefaults: false,
  role: 'role',
  storedLogin: {
    connectionLimit: 20,
    connections: 4,
    hasItsSettings: true,
    wasLimited: true,
    hasOldSessions: false,
  },
  sidecars: undefined,
  passwordIsRefused: false,
  credentials,
  isRecovered: false,
  takenSecrets: [],
  unprovenCopies: [],
  signingKeys: [{ kty: 'OKP', kid: 'k' }],
  memberNamespaces: ['api', 'web'],
  members: { names: ['api', 'web'], kept: [], contested: [] },
  namespacesWithCredentials: ['api', 'chaperone-system', 'web'],
  keys: { inForce: 1, wanted: 1, providers: new Set(['openai']), nextExpiryMs: undefined },
  namespaceMaster: undefined,
  sharing: { sharesByDefault: false, outdatedSidecars: 0, keysIssuedAtS: undefined, objects: [] },
  sharedSecret: undefined,
  serviceAccountIssuer: undefined,
};

const nowMs = Date.parse('2026-01-01T00:00:00Z');

function apply(gathered: Partial<GatheredOrganization>) {
  const decision = decideOrganization({ ...settled, ...gathered }, nowMs);
  assert.ok(decision.action === 'apply');
  return decision;
}

function withSpec(spec: Partial<Organization['spec']>): Organization {
  return { ...acme, spec: { ...acme.spec, ...spec } };
}

test('an organization that is up to date is not changed', () => {
  assert.deepEqual(apply({}), {
    action: 'apply',
    needsFinalizer: false,
    spec: acme.spec,
    tokenKeys: { issue: false, use: 'k', drop: [], distrust: [], nextMs: undefined },
    dataKeys: { issue: false, use: credentials.dataKeys.current, drop: [], distrust: [], nextMs: undefined },
    dataKeysLeakedBeforeMs: undefined,
    renewsLogin: false,
    connections: 20,
    endsOldSessions: false,
    tokenLifetime: '8760h',
    dataKeysWereLost: false,
    sharedSecret: undefined,
    serviceAccounts: undefined,
    namespaces: ['chaperone-system', 'api', 'web'],
    staleNamespaces: [],
    sharing: {
      rules: 'Declared',
      verdict: {
        type: 'SharingDeclared',
        status: true,
        reason: 'Declared',
        message: 'Objects serve the pods of their own namespace, and others as spec.sharing says.',
      },
      requeueAfterMs: undefined,
    },
    problem: undefined,
    defaults: undefined,
    nextRotationMs: undefined,
  });
});

test('a new organization gets a finalizer and keys', () => {
  const { needsFinalizer, tokenKeys, dataKeys, renewsLogin, dataKeysWereLost } = apply({
    organization: makeOrganization('acme'),
    storedId: undefined,
    credentials: undefined,
    signingKeys: [],
    namespacesWithCredentials: [],
  });
  assert.deepEqual([needsFinalizer, dataKeysWereLost], [true, false]);
  assert.ok(tokenKeys.issue && dataKeys.issue && renewsLogin);
});

test('an organization with a row but without credentials has lost its data keys', () => {
  assert.equal(apply({ credentials: undefined }).dataKeysWereLost, true);
});

test('a former member namespace loses its credentials, and the operator’s own copy stays', () => {
  const { namespaces, staleNamespaces } = apply({ memberNamespaces: ['web'] });
  assert.deepEqual([namespaces, staleNamespaces], [['chaperone-system', 'web'], ['api']]);
  assert.deepEqual(apply({ memberNamespaces: [] }).staleNamespaces, ['api', 'web']);
});

test('the operator’s namespace gets one copy if it is a member', () => {
  assert.deepEqual(apply({ memberNamespaces: ['chaperone-system', 'web'] }).namespaces, ['chaperone-system', 'web']);
});

test('tokens live as long as the organization says', () => {
  const organization = withSpec({
    authentication: { tokenLifetime: '1h', leeway: '30s', requireUser: true, defaultRoles: ['admin'] },
  });
  assert.equal(apply({ organization }).tokenLifetime, '1h');
});

test('a shared secret is passed to proxies, and a missing one is a problem that says where it belongs', () => {
  const permitted = apply({ sharedSecret: { state: 'permitted', value: 's' } });
  assert.deepEqual([permitted.sharedSecret, permitted.problem], ['s', undefined]);
  const organization = withSpec({
    authentication: {
      tokenLifetime: '1h',
      leeway: '30s',
      requireUser: true,
      defaultRoles: ['admin'],
      sharedSecretRef: { name: 'legacy', key: 'secret' },
    },
  });
  const { sharedSecret, problem } = apply({ organization, sharedSecret: { state: 'missing' } });
  assert.equal(sharedSecret, undefined);
  assert.deepEqual(problem, {
    type: 'CredentialsReady',
    status: false,
    reason: 'SharedSecretMissing',
    message:
      'Tokens signed with the shared secret are refused: create Secret "legacy" with key "secret" in namespace chaperone-system, with the label chaperone.dev/shared-secret-of: acme.',
  });
  const unlabelled = apply({ organization, sharedSecret: { state: 'in force', value: 's' } });
  assert.deepEqual([unlabelled.sharedSecret, unlabelled.problem?.reason], ['s', 'SharedSecretUnlabelled']);
  const refused = apply({ organization, sharedSecret: { state: 'not permitted' } });
  assert.deepEqual([refused.sharedSecret, refused.problem?.reason], [undefined, 'SharedSecretNotPermitted']);
  assert.match(refused.problem?.message ?? '', /kubectl label .* legacy chaperone\.dev\/shared-secret-of=acme$/);
});

const refusals: readonly [what: string, gathered: Partial<GatheredOrganization>, reason: string][] = [
  ['a Secret of its is somebody else’s', { takenSecrets: ['chaperone-system/chaperone-acme'] }, 'SecretTaken'],
  ['nothing proves the copies of lost credentials', { unprovenCopies: ['web/chaperone-acme'] }, 'CredentialsUnproven'],
  [
    'its credentials would have the name of signing keys',
    { organization: makeOrganization('a-signing-keys') },
    'NameReserved',
  ],
  ['… of a synthetic key', { organization: makeOrganization('x-synthetic-key') }, 'NameReserved'],
  ['… of the webhook’s certificate', { organization: makeOrganization('webhook-tls') }, 'NameReserved'],
];
for (const [what, gathered, reason] of refusals) {
  test(`nothing is written for an organization where ${what}`, () => {
    const decision = decideOrganization({ ...settled, ...gathered }, nowMs);
    assert.ok(decision.action === 'refuse');
    assert.deepEqual(
      judgeRefusal(decision.verdict).map((verdict) => `${verdict.type}=${verdict.status} ${verdict.reason}`),
      [`Ready=false ${reason}`, `CredentialsReady=false ${reason}`],
    );
  });
}

test('a password that was recovered from a copy is replaced where the database refuses it', () => {
  assert.equal(apply({ isRecovered: true, passwordIsRefused: true }).renewsLogin, true);
  assert.equal(apply({ isRecovered: true }).renewsLogin, false);
  assert.equal(apply({ passwordIsRefused: true }).renewsLogin, false);
});

for (const [deletionPolicy, keepData] of [
  ['Retain', true],
  ['Delete', false],
] as const) {
  test(`an organization that is deleted with ${deletionPolicy} ${keepData ? 'keeps' : 'loses'} its data`, () => {
    const organization = {
      ...withSpec({ deletionPolicy }),
      metadata: makeMeta('acme', { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [finalizer] }),
    };
    assert.deepEqual(decideOrganization({ ...settled, organization }, nowMs), {
      action: 'delete',
      keepData,
      staleNamespaces: ['api', 'chaperone-system', 'web'],
    });
  });
}

test('an organization is ready when its parts are, and otherwise names the part that is not', () => {
  const summary = (problem: Parameters<typeof judgeOrganization>[0]) =>
    judgeOrganization(problem).map(({ type, status, reason }) => `${type}=${status} ${reason}`);
  assert.deepEqual(summary(undefined), [
    'Ready=true Ready',
    'DatabaseReady=true Stored',
    'CredentialsReady=true Issued',
  ]);
  const problem = { type: 'CredentialsReady', status: false, reason: 'SharedSecretMissing', message: 'Create it.' };
  assert.deepEqual(summary(problem), [
    'Ready=false SharedSecretMissing',
    'DatabaseReady=true Stored',
    'CredentialsReady=false SharedSecretMissing',
  ]);
});

test('an organization without a key in force is Ready, and says that calls are refused', () => {
  const message = (inForce: number, wanted: number) =>
    judgeOrganization(undefined, undefined, { inForce, wanted })[0]?.message;
  assert.equal(message(1, 2), 'The organization is enforced.');
  assert.match(message(0, 2) ?? '', /every call is refused, since none of its 2 ApiKeyBindings is in force/);
  assert.match(message(0, 0) ?? '', /since it has no ApiKeyBinding\. /);
});

test('an organization’s status says which limits its proxies enforce', () => {
  const basics = { per: 'Organization', action: 'Enforce', whenUnavailable: 'Allow' } as const;
  const message = (rules: Pick<OrganizationSpec, 'limits' | 'budgets' | 'tier'>) =>
    judgeOrganization(undefined, undefined, { inForce: 1, wanted: 1 }, rules)[0]?.message;
  assert.equal(
    message({
      tier: 'starter',
      limits: [
        { ...basics, name: 'calls', concurrent: 10 },
        { ...basics, name: 'one', per: 'User', concurrent: 1, requests: { count: 1, window: '1m' } },
        { ...basics, name: 'said', action: 'Report', tokens: { count: 500, window: '24h', of: 'Output' } },
      ],
    }),
    'The organization is enforced. Its tier is starter. Limits: calls (10 calls at the same time); one (1 request in 1m, 1 call at the same time per user); said (500 output tokens in 24h, only reported).',
  );
  const budget = { ...basics, warnAt: [], onShortfall: 'Refuse' as const, unpriced: 'Refuse' as const };
  assert.equal(
    message({
      budgets: [
        { ...budget, name: 'all', amountUsd: '100', window: 'Month', action: 'Block' },
        { ...budget, name: 'each', per: 'Key', amountUsd: '0.50', window: 'Total', action: 'Warn' },
      ],
    }),
    'The organization is enforced. Budgets: all ($100 a month); each ($0.50 in total per key, only warned of).',
  );
});

test('an organization without member namespaces says which label to set', () => {
  const judge = (namespaceSelector: Organization['spec']['namespaceSelector'], names: string[] = []) =>
    judgeMembers({ organization: withSpec({ namespaceSelector }), members: { names, kept: [], contested: [] } });
  assert.equal(judge({ matchLabels: { team: 'shop' } }, ['web']), undefined);
  const rows: [Organization['spec']['namespaceSelector'], RegExp][] = [
    [{ matchLabels: { team: 'shop' } }, /kubectl label namespace NAME team=shop$/],
    [
      {
        matchLabels: { team: 'shop' },
        matchExpressions: [
          { key: 'tier', operator: 'In', values: ['web', 'api'] },
          { key: 'governed', operator: 'Exists' },
        ],
      },
      /NAME team=shop tier=web governed=true$/,
    ],
    [{ matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] }, /Correct spec\.namespaceSelector\.$/],
  ];
  for (const [selector, says] of rows) {
    const verdict = judge(selector);
    assert.deepEqual(judgeOrganization(undefined, verdict).map(({ status, reason }) => [status, reason])[0], [
      false,
      'NoNamespaces',
    ]);
    assert.match(verdict?.message ?? '', says);
  }
});

test('namespaces without credentials are named with the reason, ten of them', () => {
  assert.equal(judgeFailures([]), undefined);
  const failures = Array.from({ length: 12 }, (_, index) => ({ namespace: `web-${index}`, reason: 'exceeded quota' }));
  const verdict = judgeFailures(failures);
  assert.equal(verdict?.reason, 'NamespacesWithoutCredentials');
  assert.match(verdict.message, /web-0 \(exceeded quota\); .*web-9 \(exceeded quota\) and 2 more\. All others/);
});

describe('service accounts', () => {
  const accepting = withSpec({
    authentication: { ...acme.spec.authentication, serviceAccounts: { audience: 'ours' } },
  });
  const issuer = { issuer: 'https://kubernetes.default.svc', jwks: { keys: [{ kty: 'RSA', kid: 'new' }] } };
  const last = { ...issuer, jwks: { keys: [{ kty: 'RSA', kid: 'last' }] }, audience: 'ours', namespaces: [] };
  const unknown = { unknown: 'forbidden' };

  test('are accepted of member namespaces', () => {
    const { serviceAccounts, problem } = apply({ organization: accepting, serviceAccountIssuer: issuer });
    assert.deepEqual(serviceAccounts, { ...issuer, audience: 'ours', namespaces: ['api', 'web'] });
    assert.equal(problem, undefined);
  });

  test('are accepted by the last known keys while the API server does not answer, and the condition says so', () => {
    const gathered = { organization: accepting, serviceAccountIssuer: unknown };
    const { serviceAccounts, problem } = apply({ ...gathered, credentials: { ...credentials, serviceAccounts: last } });
    assert.deepEqual(serviceAccounts, { ...last, namespaces: ['api', 'web'] });
    assert.match(problem?.message ?? '', /does not show their issuer \(forbidden\)/);
    assert.equal(apply(gathered).serviceAccounts, undefined);
  });

  test('are no longer accepted where the organization does not state them', () => {
    assert.equal(apply({ credentials: { ...credentials, serviceAccounts: last } }).serviceAccounts, undefined);
  });
});
