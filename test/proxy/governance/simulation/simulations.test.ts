import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeSimulate } from '../../../../proxy/governance/simulation/simulations.ts';
import type { Store } from '../../../../proxy/store.ts';
import { makeCaller, makeGovernance } from '../context.ts';

const change = {
  resources: JSON.stringify({
    ...{ apiVersion: 'chaperone.dev/v1alpha1', kind: 'ApiKeyBinding', metadata: { name: 'a', namespace: 'b' } },
    spec: { organizationRef: { name: 'acme' }, provider: 'x', secretKeyRef: { name: 'y', key: 'z' } },
  }),
  since: '1h',
};

describe('simulations of a proxy', () => {
  it('are made one at a time', async () => {
    const { promise: away, reject } = Promise.withResolvers<never>();
    const store: Store = {
      run: () => away,
      get ahead() {
        return store;
      },
      close: async () => {},
    };
    const context = makeGovernance({}, { store });
    const [simulate, admin] = [makeSimulate(context), makeCaller(['admin'])];
    const first = simulate(admin, change);
    await assert.rejects(simulate(admin, change), { code: 'overloaded', headers: { 'retry-after': '5' } });
    reject(new Error('the database is away'));
    await assert.rejects(first, /the database is away/);
    await assert.rejects(simulate(admin, { ...change, since: 'soon' }), { code: 'invalid_request', param: 'since' });
  });
});
