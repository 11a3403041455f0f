// biome-ignore-all lint/suspicious/noTemplateCurlyInString: files take values from the environment like that.
import assert from 'node:assert/strict';
import { readdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { makeYamlDirectory, organization, persona } from './yaml-directory.ts';

const key = { kind: 'Persona', namespace: 'default', name: 'one' } as const;
const condition = {
  type: 'Ready',
  status: 'True',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  reason: 'Stored',
  message: 'In force.',
} as const;

describe('a status', () => {
  test('is a file, is announced where it changes something, and survives an edit and a restart', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization(), persona('one'));
    const first = await yaml.start();
    const status = { observedGeneration: 1, conditions: [condition] };
    await first.cluster.updateStatus(key, status);
    await first.cluster.updateStatus(key, structuredClone(status));
    assert.deepEqual(first.announced, [key]);
    assert.deepEqual(parse(await readFile(join(yaml.state, 'status/Persona/default/one.yaml'), 'utf8')), status);

    await yaml.write('a.yaml', organization(), persona('one', 'Other.'));
    await first.until(() => first.cluster.get('Persona', 'default', 'one')?.spec.content === 'Other.');
    assert.deepEqual(first.cluster.get('Persona', 'default', 'one')?.status, status);
    const before = first.cluster.get('Persona', 'default', 'one');
    const second = await yaml.start();
    assert.deepEqual(second.cluster.get('Persona', 'default', 'one'), before);
  });

  test('of a cluster-scoped object is a file, too; a damaged file counts as missing', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    const first = await yaml.start();
    await first.cluster.updateStatus({ kind: 'Organization', namespace: '', name: 'acme' }, { boundKeys: 2 });
    await writeFile(join(yaml.state, 'status/Organization/acme.yaml'), 'boundKeys: two');
    const second = await yaml.start();
    assert.deepEqual(second.found, []);
    assert.equal(second.cluster.get('Organization', '', 'acme')?.status, undefined);
  });

  test('of a deleted object is refused', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    const { cluster } = await yaml.start();
    await assert.rejects(cluster.updateStatus(key, {}), { code: 'not_found', message: 'Persona default/one is gone' });
  });
});

test('an object that a former version stored stays in force, and its file is reported as wrong', async (t) => {
  const yaml = await makeYamlDirectory(t);
  await yaml.write('a.yaml', organization(), persona('one'), persona('two'));
  await (await yaml.start()).cluster.close();
  for (const file of [join(yaml.state, 'objects/Persona/default/one.yaml'), join(yaml.directory, 'a.yaml')]) {
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/^( *)content: .*$/m, '$&\n$1parameters: { temperature: hot, top_k: 1 }'));
  }
  const { cluster, found } = await yaml.start();
  assert.deepEqual(cluster.get('Persona', 'default', 'one')?.spec.parameters, { temperature: 'hot', top_k: 1 });
  assert.deepEqual(
    found.map(({ line, object, field }) => [line, object, field]),
    [[21, 'Persona default/one', 'spec.parameters.temperature']],
  );
});

describe('a Secret of the operator', () => {
  const secretKey = { kind: 'Secret', namespace: 'default', name: 'synthetic' } as const;
  const ownerUid = '6a0e0a7c-54f5-4d0e-8f8e-0d3f0f4a7c11';
  const isAny = () => true;

  test('is stored in files that only the owner can read, is listed, and survives a restart', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    const first = await yaml.start();
    const labels = { 'chaperone.dev/organization': 'acme' };
    await first.cluster.applySecret({
      namespace: 'default',
      name: 'synthetic',
      data: { key: 'chp_1', old: 'x' },
      labels,
      ownerUid,
    });
    const next = { namespace: 'default', name: 'synthetic', data: { key: 'chp_2' }, labels, ownerUid };
    await first.cluster.applySecret(next);
    await first.cluster.applySecret(next);
    assert.deepEqual(first.announced, [secretKey, secretKey]);

    const path = join(yaml.state, 'secrets/default/synthetic');
    assert.equal(await readFile(join(path, 'key'), 'utf8'), 'chp_2');
    assert.deepEqual(
      (await readdir(path)).filter((name) => !name.startsWith('..')),
      ['key'],
    );
    assert.equal((await readdir(path)).length, 3);
    assert.equal((await stat(join(path, 'key'))).mode & 0o777, 0o600);
    assert.equal((await stat(path)).mode & 0o777, 0o700);

    const before = first.cluster.get('Secret', 'default', 'synthetic');
    assert.deepEqual(before?.metadata.labels, {
      ...labels,
      'app.kubernetes.io/managed-by': 'chaperone',
      'chaperone.dev/owner-uid': ownerUid,
    });
    const second = await yaml.start();
    assert.deepEqual(second.cluster.get('Secret', 'default', 'synthetic'), before);
    await second.cluster.deleteSecret('default', 'synthetic', isAny);
    await second.cluster.deleteSecret('default', 'synthetic', isAny);
    assert.deepEqual(second.announced, [secretKey]);
    assert.equal(second.cluster.get('Secret', 'default', 'synthetic'), undefined);
    await assert.rejects(stat(path), { code: 'ENOENT' });
  });

  test('changes all its keys at once', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    const { cluster } = await yaml.start();
    const apply = (value: string) =>
      cluster.applySecret({ namespace: 'default', name: 'synthetic', data: { one: value, two: value }, ownerUid });
    await apply('0');
    let isWriting = true;
    const writing = (async () => {
      for (let version = 1; version <= 100; version++) await apply(String(version));
      isWriting = false;
    })();
    let reads = 0;
    while (isWriting) {
      try {
        const current = await realpath(join(yaml.state, 'secrets/default/synthetic/..data'));
        const values = [await readFile(join(current, 'one'), 'utf8'), await readFile(join(current, 'two'), 'utf8')];
        assert.equal(values[0], values[1]);
        reads++;
      } catch (error) {
        // The version was replaced while it was being read: no half of it was seen.
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      }
    }
    await writing;
    assert(reads > 0);
  });

  test('that was made for one object is neither overwritten nor removed for another', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    const { cluster } = await yaml.start();
    const secret = { namespace: 'default', name: 'synthetic', data: { key: 'chp_1' }, ownerUid };
    await cluster.applySecret(secret);
    const other = { ...secret, data: { key: 'chp_2' }, ownerUid: 'other' };
    await assert.rejects(cluster.applySecret(other), { code: 'conflict' });
    await cluster.deleteSecret('default', 'synthetic', () => false);
    assert.deepEqual(cluster.get('Secret', 'default', 'synthetic')?.data, { key: Buffer.from('chp_1') });
    await cluster.applySecret({ ...other, isOwn: ({ data }) => String(data.key) === 'chp_1' });
    assert.equal(cluster.get('Secret', 'default', 'synthetic')?.metadata.labels?.['chaperone.dev/owner-uid'], 'other');
  });

  test('and a Secret of a file cannot have the same name', async (t) => {
    const yaml = await makeYamlDirectory(t);
    const stated = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'stated' }, stringData: { key: 'a' } };
    await yaml.write('a.yaml', organization(), stated);
    const { cluster, found, fixed, until } = await yaml.start();
    await assert.rejects(cluster.applySecret({ namespace: 'default', name: 'stated', data: {}, ownerUid }), {
      code: 'conflict',
      message: 'Secret default/stated is stated by a.yaml',
    });
    await cluster.deleteSecret('default', 'stated', isAny);
    assert(cluster.get('Secret', 'default', 'stated'));

    await cluster.applySecret({ namespace: 'default', name: 'synthetic', data: { key: 'chp_1' }, ownerUid });
    await yaml.write('b.yaml', { ...stated, metadata: { name: 'synthetic' } });
    await until(() => found.length > 0);
    assert.equal(found[0]?.object, 'Secret default/synthetic');
    assert.deepEqual(cluster.get('Secret', 'default', 'synthetic')?.data, { key: Buffer.from('chp_1') });

    await cluster.deleteSecret('default', 'synthetic', isAny);
    await until(() => fixed.length > 0);
    assert.deepEqual(cluster.get('Secret', 'default', 'synthetic')?.data, { key: Buffer.from('a') });
  });
});

test('the contents of a Secret in a file are not written to the state', async (t) => {
  const yaml = await makeYamlDirectory(t);
  yaml.environment.KEY = 'sk-never-on-disk';
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, stringData: { key: '${KEY}' } };
  await yaml.write('a.yaml', organization(), secret);
  await yaml.start();
  const entries = await readdir(yaml.state, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  assert(files.length > 0);
  for (const { parentPath, name } of files) {
    assert.doesNotMatch(await readFile(join(parentPath, name), 'utf8'), /sk-never-on-disk/);
  }
});

test('Events are lines of JSON, in at most two files', async (t) => {
  const yaml = await makeYamlDirectory(t);
  await yaml.write('a.yaml', organization());
  const { cluster } = await yaml.start();
  const message = 'x'.repeat(100_000);
  for (let index = 0; index < 30; index++) {
    await cluster.recordEvent(key, { type: 'Warning', reason: `Reason${index}`, message });
  }
  const files = (await readdir(yaml.state)).filter((name) => name.startsWith('events'));
  assert.deepEqual(files.sort(), ['events.jsonl', 'events.jsonl.1']);
  const lines = (await readFile(join(yaml.state, 'events.jsonl'), 'utf8')).trim().split('\n');
  const { time, ...last } = JSON.parse(lines.at(-1) ?? '');
  assert.deepEqual(last, { type: 'Warning', reason: 'Reason29', message, ...key });
  assert.match(time, /^20/);
});
