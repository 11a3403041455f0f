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
  test('has rules that Prometheus accepts', { skip }, () => checkBy('rules', 'groups:'));
  test('has a configuration that Prometheus accepts', { skip }, () => checkBy('config', 'scrape_configs:'));

  test('names only existing metrics', () => {
    const source = ['operator', 'proxy']
      .flatMap((folder) =>
        spawnSync('grep', ['-rhoE', "'(chaperone_|leader_election)[a-z_]+'", join(root, folder)], {
          encoding: 'utf8',
        }).stdout.split('\n'),
      )
      .map((name) => name.replaceAll("'", ''));
    const rules = blocks.find((block) => block.startsWith('groups:')) ?? '';
    const named = [...rules.matchAll(/\b(?:chaperone|leader_election)_[a-z_]+/g)].map(([name]) => name);
    assert.ok(named.length > 8);
    assert.deepEqual(
      named.filter((name) => !source.includes(name)),
      [],
    );
  });

  test('states values that the chart has', () => {
    const stated: { monitoring: object } = parse(blocks.find((block) => block.startsWith('monitoring:')) ?? '');
    const values: { monitoring: object } = parse(
      readFileSync(join(root, 'charts', 'chaperone', 'values.yaml'), 'utf8'),
    );
    assert.deepEqual(Object.keys(stated.monitoring), Object.keys(values.monitoring));
  });
});

async function checkBy(what: 'rules' | 'config', beginning: string): Promise<void> {
  const block = blocks.find((one) => one.startsWith(beginning));
  assert.ok(block, `no block begins with ${beginning}`);
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-monitoring-'));
  try {
    const file = join(directory, 'monitoring.yaml');
    // Debian's promtool is built without Kubernetes discovery.
    await writeFile(file, block.replace(/kubernetes_sd_configs:\n +- role: pod/, 'static_configs: []'));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', what, file], { encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  } finally {
    await rm(directory, { recursive: true });
  }
}
