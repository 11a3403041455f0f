import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { replaceFile } from '../../directories.ts';
import { startStack } from '../../stack.ts';
import { until } from '../../until.ts';

it('the metrics have the time until changes were in force, without the age of the configuration at the start', async (t) => {
  const stack = await startStack(t);
  const read = async (name: string) => {
    const metrics = await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`).then((answer) => answer.text());
    return Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(metrics)?.[1]);
  };
  const version = await read('chaperone_snapshot_version');
  assert.equal(await read('chaperone_snapshot_propagation_seconds_count'), 0);

  const startedAtMs = performance.now();
  const file = join(stack.directory, 'personas.yaml');
  await replaceFile(file, readFileSync(file, 'utf8').replace('Be friendly and brief.', 'Be friendly.'));
  await until(async () => (await read('chaperone_snapshot_version')) > version, 'the edit to be in force');
  const tookS = (performance.now() - startedAtMs) / 1_000;
  assert.equal(await read('chaperone_snapshot_propagation_seconds_count'), 1);
  const sum = await read('chaperone_snapshot_propagation_seconds_sum');
  assert.ok(sum > 0 && sum < tookS, `${sum} s of ${tookS} s`);
});
