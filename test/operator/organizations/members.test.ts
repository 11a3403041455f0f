import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Organization, OrganizationStatus } from '../../../crds/resources.generated.ts';
import { organizationsOf } from '../../../operator/membership.ts';
import { decideMembers, judgeOverlap } from '../../../operator/organizations/members.ts';
import { makeMeta, makeOrganization } from '../memory-cluster.ts';

const operatorNamespace = 'chaperone-system';
const everywhere = { namespaceSelector: {} };

function made(name: string, day: number, spec: Partial<Organization['spec']>, status?: OrganizationStatus) {
  const creationTimestamp = `2026-01-0${day}T00:00:00Z`;
  return makeOrganization(name, spec, { metadata: makeMeta(name, { creationTimestamp }), ...(status && { status }) });
}

const acme = made('acme', 1, { namespaceSelector: { matchLabels: { org: 'acme' } } });
const namespaces = [
  { name: 'web', labels: { org: 'acme' } },
  { name: 'free', labels: {} },
  { name: 'kube-system', labels: { org: 'acme' } },
  { name: operatorNamespace, labels: {} },
];

function look(organization: Organization, others: readonly Organization[], used: readonly string[] = []) {
  const organizations = [organization, ...others];
  const usedNamespaces = new Set(used);
  const members = decideMembers({ organization, organizations, namespaces, operatorNamespace, usedNamespaces });
  return { ...members, verdict: judgeOverlap(organization, members) };
}

describe('the organization of a namespace', () => {
  const rows: readonly (readonly [
    title: string,
    organization: Organization,
    others: readonly Organization[],
    used: readonly string[],
    expected: { names: readonly string[]; kept?: readonly string[]; reason: string; says?: RegExp },
  ])[] = [
    ['nobody else’s', acme, [], [], { names: ['web'], reason: 'Exclusive' }],
    [
      'the older one’s, which hears of the other',
      acme,
      [made('globex', 2, everywhere)],
      [],
      { names: ['web'], reason: 'SelectorsOverlap', says: /"web" belongs to this one, and is also selected by globex/ },
    ],
    [
      'not the younger one’s, which has the rest',
      made('globex', 2, everywhere),
      [acme],
      [],
      { names: ['free'], reason: 'SelectorsOverlap', says: /"web" belongs to acme/ },
    ],
    [
      'by name where both are as old',
      made('before', 1, everywhere),
      [made('acme', 1, everywhere)],
      [],
      { names: [], reason: 'SelectorsOverlap', says: /"web" belongs to acme; "free" belongs to acme/ },
    ],
    [
      'still the younger one’s, where it served it before there was a rule',
      made('globex', 2, everywhere, { memberNamespaces: ['kube-system', 'web'] }),
      [acme],
      [],
      { names: ['free', 'web'], kept: ['web'], reason: 'SelectorsOverlap', says: /this one still serves it/ },
    ],
    [
      'of the system and still its own, where its objects are there',
      made('globex', 2, everywhere, { memberNamespaces: ['kube-system', 'free'] }),
      [],
      ['kube-system'],
      { names: ['free', 'kube-system', 'web'], kept: ['kube-system'], reason: 'SystemNamespaces', says: /kube-system/ },
    ],
    [
      'lost with the label for good: what is kept grows no more',
      made('globex', 2, everywhere, { memberNamespaces: ['free', 'web'], keptNamespaces: [] }),
      [acme],
      [],
      { names: ['free'], reason: 'SelectorsOverlap' },
    ],
  ];
  for (const [title, organization, others, used, { names, kept = [], reason, says = /./ }] of rows) {
    test(title, () => {
      const members = look(organization, others, used);
      assert.deepEqual([members.names, members.kept], [names, kept]);
      assert.deepEqual([members.verdict.status, members.verdict.reason], [reason === 'Exclusive', reason]);
      assert.match(members.verdict.message, says);
      // What a reconciler decides holds for everybody who asks afterwards.
      const status = { ...organization.status, memberNamespaces: [...names], keptNamespaces: [...kept] };
      const all = [{ ...organization, status }, ...others];
      const found = namespaces.filter((namespace) =>
        organizationsOf(all, namespace, operatorNamespace).some(
          ({ metadata }) => metadata.name === organization.metadata.name,
        ),
      );
      assert.deepEqual(found.map(({ name }) => name).sort(), names);
    });
  }

  test('is the next one when an Organization is deleted', () => {
    const going = { ...acme, metadata: { ...acme.metadata, deletionTimestamp: '2026-02-01T00:00:00Z' } };
    assert.deepEqual(look(made('globex', 2, everywhere), [going]).names, ['free', 'web']);
  });
});
