import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..');
const [, section = ''] =
  /\n## Monitoring\n([\s\S]*?)\n## /.exec(readFileSync(join(root, 'docs', 'kubernetes.md'), 'utf8')) ?? [];
const blocks = [...section.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
const skip = spawnSync('promtool', ['--version']).status !== 0 && 'promtool is not installed';

describe('the guide’s section about monitoring', () => {
  test('has a configuration that Prometheus accepts', { skip }, checkConfiguration);

  test('states values that the chart has', () => {
    const stated: { monitoring: object } = parse(blocks.find((block) => block.startsWith('monitoring:')) ?? '');
    const values: { monitoring: object } = parse(
      readFileSync(join(root, 'charts', 'chaperone', 'values.yaml'), 'utf8'),
    );
    assert.deepEqual(Object.keys(stated.monitoring), Object.keys(values.monitoring));
  });
});

async function checkConfiguration(): Promise<void> {
  const block = blocks.find((one) => one.startsWith('scrape_configs:'));
  assert.ok(block, 'no block is a configuration');
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-monitoring-'));
  try {
    const file = join(directory, 'monitoring.yaml');
    // Debian's promtool is built without Kubernetes discovery.
    await writeFile(file, block.replaceAll(/kubernetes_sd_configs:\n +- role: pod/g, 'static_configs: []'));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', file], { encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  } finally {
    await rm(directory, { recursive: true });
  }
}
