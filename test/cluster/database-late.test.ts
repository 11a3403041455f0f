import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { suiteScope } from '../scope.ts';
import { startRelay, viaPort } from '../tcp-relay.ts';
import { until } from '../until.ts';

import { kubeConfigOf, skip } from './cluster-under-test.ts';
import { makeOperatorStarter } from './operator-process.ts';
import { organization } from './resources.ts';
import { setStage } from './stage.ts';

describe('an operator that starts before its database', { skip }, () => {
  const scope = suiteScope();

  test('waits for it: alive, not ready, and saying why', async () => {
    const { server, hands, databaseUrl } = await setStage(scope);
    const relay = await startRelay(scope, Number(new URL(databaseUrl).port));
    await relay.close();
    await hands.create('Organization', 'acme', organization());
    const kubeConfig = kubeConfigOf(server);
    const start = await makeOperatorStarter(scope, { kubeConfig, databaseUrl: viaPort(databaseUrl, relay.port) });
    const operator = await start();
    await operator.untilLogged('the database cannot be used yet; trying again');
    assert.equal((await operator.ask('/healthz'))?.status, 200);
    const { status, text } = (await operator.ask('/readyz')) ?? {};
    assert.equal(status, 503);
    assert.match(text ?? '', /^the database cannot be used yet \(.*ECONNREFUSED/);

    await relay.open();
    await operator.untilLogged('reconciling');
    await until(async () => (await operator.ask('/readyz'))?.status === 200, 'it to be ready');
    await hands.untilReason('Organization', 'acme', 'Ready');
    await operator.end('SIGTERM');
    assert.equal(operator.child.exitCode, 0);
  });
});
