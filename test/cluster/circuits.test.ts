import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { writePauses } from '../../database/provider-pauses.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { skip } from './cluster-under-test.ts';
import { binding, organization, secret } from './resources.ts';
import { type RunningOperator, type Stage, setStage } from './stage.ts';

interface ApiEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

describe('circuits that proxies have opened', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let operator: RunningOperator;
  let organizationId: string;
  let pause: Parameters<typeof writePauses>[2][number];

  const start = () => stage.startOperator({ circuitsMs: 100, eventPatienceMs: 0 });
  const untilCondition = (reason: string) =>
    until(async () => {
      const found = await stage.hands.find('Organization', 'acme');
      const condition = found?.status?.conditions?.find(({ type }) => type === 'ProvidersAvailable');
      return condition?.reason === reason && condition;
    }, `the condition to be ${reason}`);
  const events = async () => {
    const path = '/apis/events.k8s.io/v1/events';
    const { items } = await stage.client.send<{ items: ApiEvent[] }>({ method: 'GET', path });
    return items.filter(({ reason }) => reason.startsWith('Circuit'));
  };

  before(async () => {
    stage = await setStage(scope);
    operator = await start();
    await stage.hands.create('Organization', 'acme', organization());
    await stage.hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
    await stage.hands.create('ApiKeyBinding', 'web/shared', binding());
    await stage.hands.untilReason('ApiKeyBinding', 'web/shared', 'Ready');
    const { rows } = await stage.db.query<{ organizationId: string; apiKeyId: string }>(
      'select organization_id as "organizationId", api_key_id as "apiKeyId" from chaperone.api_keys',
    );
    const [key = assert.fail()] = rows;
    organizationId = key.organizationId;
    pause = {
      ...{ id: 'openai 1 key', scope: 'key', provider: 'openai', apiKeyId: key.apiKeyId },
      ...{ reason: '401 invalid_api_key', remainingMs: 60_000 },
    };
  });

  test('are a condition and an Event, which name the binding', async () => {
    await writePauses(stage.db, organizationId, [pause], []);
    const { status, message } = await untilCondition('CircuitOpen');
    assert.equal(status, 'False');
    assert.match(
      message,
      /^The key of ApiKeyBinding web\/shared at provider "openai" fails since .*Z \(401 invalid_api_key\)/,
    );
    await until(async () => (await events()).length > 0, 'the Event');
    const [event] = await events();
    assert.deepEqual([event?.type, event?.reason, event?.regarding.name], ['Warning', 'CircuitOpen', 'acme']);
    assert.equal(
      (await stage.hands.find('Organization', 'acme'))?.status?.conditions?.find(({ type }) => type === 'Ready')
        ?.status,
      'True',
    );
  });

  test('end with an Event, and have none again because the operator starts', async () => {
    await operator.stop();
    operator = await start();
    await untilCondition('CircuitOpen');
    await writePauses(stage.db, organizationId, [], [pause.id]);
    await untilCondition('CircuitsClosed');
    await until(async () => (await events()).some(({ reason }) => reason === 'CircuitClosed'), 'the second Event');
    assert.deepEqual((await events()).map(({ reason }) => reason).sort(), ['CircuitClosed', 'CircuitOpen']);
  });
});
