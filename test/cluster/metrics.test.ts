import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { suiteScope } from '../scope.ts';
import { startRelay, viaPort } from '../tcp-relay.ts';
import { until } from '../until.ts';

import { kubeConfigOf, skip } from './cluster-under-test.ts';
import { makeOperatorStarter, type OperatorProcess } from './operator-process.ts';
import { binding, organization, persona, secret } from './resources.ts';
import { setStage } from './stage.ts';

describe("the operator's metrics", { skip }, () => {
  const scope = suiteScope();

  test("show which resources are ready, the operator's version, and whether it has its database", async (t) => {
    const { hands, server, databaseUrl } = await setStage(scope);
    const relay = await startRelay(scope, Number(new URL(databaseUrl).port));
    const startOperator = await makeOperatorStarter(scope, {
      kubeConfig: kubeConfigOf(server),
      databaseUrl: viaPort(databaseUrl, relay.port),
    });
    await hands.create('Organization', 'acme', organization());
    await hands.create('ApiKeyBinding', 'web/shared', binding());
    await hands.create('Persona', 'web/support', persona());
    const operator = await startOperator();
    await operator.untilLogged('reconciling');
    await hands.untilReason('ApiKeyBinding', 'web/shared', 'SecretNotFound');
    await hands.untilReason('Persona', 'web/support', 'Ready');

    await until(async () => (await readyOf(operator, 'Persona', 'web', 'support')) === 'True', 'the persona');
    await until(async () => (await readyOf(operator, 'ApiKeyBinding', 'web', 'shared')) === 'False', 'the binding');
    await until(async () => (await readyOf(operator, 'Organization', '', 'acme')) === 'True', 'the organization');
    const text = await metricsOf(operator);
    assert.match(text, /^chaperone_build_info\{component="operator",version="[^"]+",node="\d+\.[^"]+"\} 1$/m);
    assert.match(text, /^chaperone_database_reachable 1$/m);
    checkByPromtool(t.diagnostic.bind(t), text);

    await hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
    await until(async () => (await readyOf(operator, 'ApiKeyBinding', 'web', 'shared')) === 'True', 'it to be ready');
    await hands.change('ApiKeyBinding', 'web/shared', { spec: { active: false } });
    await until(async () => (await readyOf(operator, 'ApiKeyBinding', 'web', 'shared')) === undefined, 'it to be off');
    await hands.remove('Persona', 'web/support');
    await until(
      async () => !(await metricsOf(operator)).includes('name="support"'),
      'the series to go with the object',
    );

    await relay.close();
    await until(async () => /^chaperone_database_reachable 0$/m.test(await metricsOf(operator)), 'the outage');
    await until(
      async () => (await readyOf(operator, 'Organization', '', 'acme')) === 'False',
      'the organization to tell',
    );
    await relay.open();
    await until(async () => /^chaperone_database_reachable 1$/m.test(await metricsOf(operator)), 'its end');
    await operator.end('SIGTERM');
  });
});

async function metricsOf(operator: OperatorProcess): Promise<string> {
  return (await operator.ask('/metrics'))?.text ?? '';
}

/** The status that its condition Ready has; undefined where there are no series of it. */
async function readyOf(
  operator: OperatorProcess,
  kind: string,
  namespace: string,
  name: string,
): Promise<string | undefined> {
  const place = `kind="${kind}",namespace="${namespace}",name="${name}"`;
  const series = new RegExp(`^chaperone_resource_ready\\{${place},condition="(\\w+)"\\} ([01])$`, 'gm');
  const all = [...(await metricsOf(operator)).matchAll(series)];
  if (all.length === 0) return undefined;
  assert.deepEqual(
    all.map(([, condition]) => condition),
    ['True', 'False', 'Unknown'],
  );
  const [own, ...others] = all.filter(([, , value]) => value === '1');
  assert.deepEqual(others, []);
  return own?.[1];
}

function checkByPromtool(say: (text: string) => void, text: string): void {
  const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  if (error) say('promtool is not installed');
  else assert.equal(status, 0, stdout + stderr);
}
