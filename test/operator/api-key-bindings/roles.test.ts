import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideRoles } from '../../../operator/api-key-bindings/roles.ts';
import { makeBinding, makeOrganization } from '../memory-cluster.ts';

type Role = 'member' | 'analyst' | 'reviewer' | 'admin';
type Row = readonly [
  what: string,
  stated: Role[] | undefined,
  allowed: Role[] | undefined,
  keepsFormer: boolean,
  roles: readonly string[] | null,
  reason?: string,
];

const table: readonly Row[] = [
  ['a synthetic key is a member’s', undefined, undefined, false, ['member']],
  ['whatever bindings may give', undefined, ['admin'], false, ['member']],
  ['a member may be stated', ['member'], undefined, false, ['member']],
  ['more takes the Organization’s consent', ['admin'], undefined, false, ['member'], 'RoleNotAllowed'],
  ['consent to one role is none to another', ['admin'], ['analyst'], false, ['member'], 'RoleNotAllowed'],
  ['with consent it is in force', ['analyst'], ['analyst'], false, ['analyst']],
  ['member needs none', ['analyst', 'member'], ['analyst'], false, ['analyst', 'member']],
  ['what is allowed stays in force', ['analyst', 'admin'], ['analyst'], false, ['analyst'], 'RoleNotAllowed'],
  ['a binding of before has what it had', undefined, undefined, true, null],
  ['until it states its roles', ['member'], undefined, true, ['member']],
  ['which take consent as any', ['admin'], undefined, true, ['member'], 'RoleNotAllowed'],
];

for (const [what, roles, bindingRoles, keepsFormer, expected, reason] of table) {
  test(what, () => {
    const binding = makeBinding('web/key', { ...(roles && { roles }) });
    const { authentication } = makeOrganization('acme').spec;
    const organization = makeOrganization('acme', {
      authentication: { ...authentication, ...(bindingRoles && { bindingRoles }) },
    });
    const decision = decideRoles(binding, organization, keepsFormer);
    assert.deepEqual(decision.roles, expected);
    assert.equal(decision.problem?.reason, reason);
  });
}

test('a role that is not allowed is named, with the remedy', () => {
  const binding = makeBinding('web/key', { roles: ['member', 'admin'] });
  const { problem } = decideRoles(binding, makeOrganization('acme'), false);
  assert.equal(
    problem?.message,
    'Organization "acme" does not let bindings give the role admin. Remove it from spec.roles, or add it to the Organization\'s spec.authentication.bindingRoles. Until then, calls with the synthetic key have the role member.',
  );
});
