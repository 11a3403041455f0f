import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { loadModelList } from '../../../operator/known-models.ts';
import { judgeSupport } from '../../../operator/organizations/support.ts';

const openai = { name: 'openai', type: 'openai', timeouts: { headers: '1s', idle: '1s' } } as const;
const support = { model: 'gpt-4o-mini', confidenceThreshold: 0.75, maxTurns: 20, resolveAfter: '24h' };
const voice = (organization: string, active = true) => ({
  metadata: { namespace: 'team', name: 'voice' },
  spec: { organizationRef: { name: organization }, name: 'voice', content: 'Be kind.', active },
});

const judged: readonly (readonly [
  what: string,
  spec: Partial<OrganizationSpec>,
  reason: string | undefined,
  message?: RegExp,
])[] = [
  ['nothing', {}, undefined],
  ['the defaults', { support }, 'Effective'],
  ['an active persona of its own', { support: { ...support, persona: 'team/voice' } }, 'Effective'],
  [
    'a persona that is not there',
    { support: { ...support, persona: 'team/other' } },
    'SupportPersonaMissing',
    /team\/other/,
  ],
  ['a model that is not allowed', { support, models: { allow: ['gpt-4o'] } }, 'SupportCannotAnswer', /does not allow/],
  [
    'a model that nobody knows',
    { support: { ...support, model: 'gpt-4o-minii' } },
    'SupportCannotAnswer',
    /gpt-4o-minii/,
  ],
  [
    'an alias',
    { support: { ...support, model: 'fast' }, models: { aliases: [{ name: 'fast', model: 'gpt-4o' }] } },
    'Effective',
  ],
  ['no chats', { support, surfaces: ['responses'] }, 'SupportCannotAnswer', /add chat/],
  [
    'no contents',
    { support, storage: { contents: 'None', analysisLifetime: '1h' } },
    'SupportCannotAnswer',
    /spec\.storage\.contents/,
  ],
];

for (const [what, changes, reason, message] of judged) {
  test(`spec.support with ${what}: ${reason ?? 'no condition'}`, async () => {
    const spec = { namespaceSelector: {}, providers: [openai], ...changes } as OrganizationSpec;
    const organization = { metadata: { name: 'acme' }, spec } as Parameters<typeof judgeSupport>[0];
    const verdict = judgeSupport(organization, [voice('acme')] as never, await loadModelList(), false);
    assert.equal(verdict?.reason, reason);
    assert.equal(verdict?.status, reason === undefined ? undefined : reason === 'Effective');
    if (message) assert.match(verdict?.message ?? '', message);
  });
}

test('a persona of another Organization, or an inactive one, is no voice', async () => {
  const spec = { providers: [openai], support: { ...support, persona: 'team/voice' } } as unknown as OrganizationSpec;
  const organization = { metadata: { name: 'acme' }, spec } as Parameters<typeof judgeSupport>[0];
  for (const persona of [voice('other'), voice('acme', false)]) {
    assert.equal(
      judgeSupport(organization, [persona] as never, await loadModelList(), false)?.reason,
      'SupportPersonaMissing',
    );
  }
});
