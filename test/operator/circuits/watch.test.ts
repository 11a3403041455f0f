import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { pino } from 'pino';
import type { Organization } from '../../../crds/resources.generated.ts';
import { type ProviderPause, writePauses } from '../../../database/provider-pauses.ts';
import { watchCircuits } from '../../../operator/circuits/watch.ts';
import type { EventNote } from '../../../operator/cluster/cluster.ts';
import { connect, makeTenant, openDatabase, type Tenant } from '../../database/tenant.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { makeMemoryCluster, makeOrganization } from '../memory-cluster.ts';

const pause: ProviderPause = {
  ...{ id: 'openai 1', scope: 'provider', provider: 'openai', apiKeyId: null },
  ...{ reason: '503 server_error', remainingMs: 60_000 },
};

describe('circuits that proxies have opened', () => {
  const scope = suiteScope();
  let owner: Client;
  let proxy: Client;
  let tenant: Tenant;
  before(async () => {
    const database = await openDatabase(scope);
    owner = database.owner;
    tenant = await makeTenant(database);
    proxy = await connect(scope, tenant.url);
  });
  const watch = (organization: Organization) => {
    const events: EventNote[] = [];
    let changes = 0;
    const watching = watchCircuits({
      cluster: {
        ...makeMemoryCluster({ Organization: [organization] }),
        recordEvent: async (_, note) => void events.push(note),
      },
      db: owner,
      onChange: () => {
        changes += 1;
      },
      isUsable: () => true,
      log: pino({ level: 'silent' }),
      periodMs: 20,
    });
    scope.after(() => watching.stop());
    return { events, changes: () => changes, verdict: () => watching.of(organization), stop: watching.stop };
  };

  it('are an Event and a condition each, until they close', async () => {
    const organization = makeOrganization('acme', {}, { status: { id: tenant.id } });
    const { events, changes, verdict, stop } = watch(organization);
    await writePauses(proxy, tenant.id, [pause, { ...pause, id: 'other 1', provider: 'other' }], []);
    await until(() => verdict()?.reason === 'CircuitOpen', 'the condition');
    assert.match(verdict()?.message ?? '', /^Provider "openai" fails since .* \(503 server_error\)/);
    await until(() => events.length > 0 && changes() > 0, 'the Event');
    await writePauses(proxy, tenant.id, [], [pause.id]);
    await until(() => events.length > 1, 'the second Event');
    assert.deepEqual(
      events.map(({ type, reason }) => [type, reason]),
      [
        ['Warning', 'CircuitOpen'],
        ['Normal', 'CircuitClosed'],
      ],
    );
    assert.equal(verdict(), undefined, 'a provider that the spec does not name is not told of');
    await stop();
  });

  it('have no second Event after a start of the operator', async () => {
    await writePauses(proxy, tenant.id, [pause], []);
    const condition = { type: 'ProvidersAvailable', status: 'False', reason: 'CircuitOpen', message: 'x' } as const;
    const conditions = [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const { events, verdict } = watch(makeOrganization('acme', {}, { status: { id: tenant.id, conditions } }));
    await until(() => verdict()?.reason === 'CircuitOpen', 'the condition');
    await writePauses(proxy, tenant.id, [], [pause.id]);
    await until(() => events.length > 0, 'an Event');
    assert.deepEqual(
      events.map(({ reason }) => reason),
      ['CircuitClosed'],
    );
    assert.equal(verdict()?.reason, 'CircuitsClosed');
  });

  it('that closed while no operator ran have an Event, too', async () => {
    const condition = { type: 'ProvidersAvailable', status: 'False', reason: 'CircuitOpen', message: 'x' } as const;
    const conditions = [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const { events, changes } = watch(makeOrganization('acme', {}, { status: { id: tenant.id, conditions } }));
    await until(() => events.length > 0 && changes() > 0, 'the Event');
    assert.equal(events[0]?.reason, 'CircuitClosed');
  });
});
