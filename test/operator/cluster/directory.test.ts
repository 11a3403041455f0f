// biome-ignore-all lint/suspicious/noTemplateCurlyInString: files take values from the environment like that.
import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DirectoryError, makeDirectoryCluster } from '../../../operator/cluster/directory.ts';
import { makeYamlDirectory, organization, persona } from './yaml-directory.ts';

const finalizer = 'chaperone.dev/data';

/** Longer than a test takes between the parts of a save. */
const longSaveMs = 60_000;

describe('reading', () => {
  test('finds files at any depth, several documents and lists, but nothing that begins with a dot', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('organization.yaml', '# Only a comment.', organization(), persona('one'));
    await yaml.write('teams/sales/personas.yml', {
      apiVersion: 'v1',
      kind: 'List',
      items: [persona('two'), persona('three')],
    });
    await yaml.write('.hidden/persona.yaml', persona('hidden'));
    await yaml.write('.persona.yaml', persona('hidden'));
    await yaml.write('notes.txt', 'nothing');
    const { cluster, found } = await yaml.start();
    assert.deepEqual(
      cluster
        .list('Persona')
        .map(({ metadata }) => metadata.name)
        .sort(),
      ['one', 'three', 'two'],
    );
    assert.equal(cluster.get('Organization', '', 'acme')?.spec.deletionPolicy, 'Retain');
    assert.deepEqual(found, []);
  });

  test('makes each mentioned namespace exist, with the label of its name', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', persona('one', 'Help.', { namespace: 'sales' }), {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'finance', labels: { team: 'finance' } },
    });
    const { cluster } = await yaml.start();
    const labels = cluster.list('Namespace').map(({ metadata }) => [metadata.name, metadata.labels]);
    assert.deepEqual(Object.fromEntries(labels), {
      default: { 'kubernetes.io/metadata.name': 'default' },
      sales: { 'kubernetes.io/metadata.name': 'sales' },
      finance: { team: 'finance', 'kubernetes.io/metadata.name': 'finance' },
    });
  });

  test('decodes Secrets, which may take values from the environment', async (t) => {
    const yaml = await makeYamlDirectory(t);
    yaml.environment.KEY = 'sk-true';
    await yaml.write('a.yaml', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'openai' },
      data: { plain: Buffer.from('${KEY}').toString('base64'), both: 'b2xk' },
      stringData: { both: '${KEY}', other: '${OTHER:-sk-other}' },
    });
    const { cluster } = await yaml.start();
    const { data = {} } = cluster.get('Secret', 'default', 'openai') ?? {};
    const texts = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString()]);
    assert.deepEqual(Object.fromEntries(texts), { plain: '${KEY}', both: 'sk-true', other: 'sk-other' });
  });

  test('reads the files of the quickstart as kubectl does', async () => {
    const directory = join(import.meta.dirname, '../../../examples/quickstart');
    const files = (await readdir(directory)).filter((name) => /\.(ya?ml|json)$/.test(name));
    assert.ok(files.length >= 4);
    for (const file of files) assert.doesNotMatch(await readFile(join(directory, file), 'utf8'), /\$\{/, file);
  });

  test('finds no mistake in the quickstart', async (t) => {
    const yaml = await makeYamlDirectory(t);
    const problems: unknown[] = [];
    const directory = join(import.meta.dirname, '../../../examples/quickstart');
    const onProblem = (problem: object) => problems.push(problem);
    const cluster = makeDirectoryCluster({ directory, stateDirectory: yaml.state, environment: {}, onProblem });
    await cluster.start();
    await cluster.close();
    assert.deepEqual(problems, []);
    assert.deepEqual(
      (['Organization', 'Persona', 'ApiKeyBinding', 'AnalysisConfig'] as const).map(
        (kind) => cluster.list(kind).length,
      ),
      [1, 2, 2, 1],
    );
  });

  test('refuses a missing directory and one without YAML with different errors', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await assert.rejects(
      yaml.start(),
      (error) => error instanceof DirectoryError && error.code === 'directory_without_yaml',
    );
    await rename(yaml.directory, `${yaml.directory}-away`);
    await assert.rejects(
      yaml.start(),
      (error) => error instanceof DirectoryError && error.code === 'directory_not_found',
    );
  });
});

describe('a file that kubectl would read differently', () => {
  const written = (lines: readonly string[]) =>
    ['apiVersion: chaperone.dev/v1alpha1', 'kind: Persona', ...lines].join('\n');
  const named = (name: string) => ['metadata:', `  name: ${name}`];
  const spec = (name: string, content: string) => [
    'spec:',
    '  organizationRef: {name: acme}',
    `  name: ${name}`,
    `  content: ${content}`,
  ];
  const quoted = (source: string, kind: string) =>
    new RegExp(`; YAML reads ${source} as a ${kind}, so write it in quotation marks: "${source}"$`);
  const cases = [
    [[...named('one'), ...spec('Yes', 'Help.')], 7, 'spec.name', quoted('Yes', 'boolean')],
    [[...named('one'), ...spec('Help', 'on')], 8, 'spec.content', quoted('on', 'boolean')],
    [[...named('one'), ...spec('Help', '1_000')], 8, 'spec.content', quoted('1_000', 'number')],
    [[...named('1'), ...spec('Help', 'Help.')], 4, 'metadata.name', quoted('1', 'number')],
    [
      [...named('one'), '  namespace: off', ...spec('Help', 'Help.')],
      5,
      'metadata.namespace',
      quoted('off', 'boolean'),
    ],
    [[...named('one'), '  labels: {a: no}', ...spec('Help', 'Help.')], 5, 'metadata.labels.a', quoted('no', 'boolean')],
    [[...named('one'), ...spec('Help', '{}')], 8, 'spec.content', /must be of type string: "object"$/],
  ] as const;
  for (const [lines, line, field, reason] of cases) {
    test(`is refused by file, line and field: ${field} in ${lines.at(line - 3)?.trim()}`, async (t) => {
      const yaml = await makeYamlDirectory(t);
      await yaml.write('a.yaml', organization());
      await yaml.write('b.yaml', written(lines));
      const { cluster, found } = await yaml.start();
      assert.equal(found.length, 1);
      const [problem] = found;
      assert.deepEqual([problem?.file, problem?.line, problem?.field], ['b.yaml', line, field]);
      assert.match(problem?.reason ?? '', reason);
      assert.deepEqual(cluster.list('Persona'), []);
    });
  }
});

describe('a file that is not UTF-8', () => {
  const file = (content: string) => `${JSON.stringify(persona('one', content))}\n`;
  for (const [encoding, bytes, line, reason] of [
    ['Latin-1', Buffer.from(`# a note\n${file('Grüße')}`, 'latin1'), 2, /^is not UTF-8, but perhaps Latin-1/],
    ['UTF-16', Buffer.from(`\u{feff}${file('Hello')}`, 'utf16le'), undefined, /^is UTF-16; save it as UTF-8$/],
  ] as const) {
    test(`but ${encoding} is refused, and the last good state stays in force`, async (t) => {
      const yaml = await makeYamlDirectory(t);
      await yaml.write('a.yaml', organization());
      await yaml.write('b.yaml', file('Hello.'));
      const { cluster, found, fixed, until } = await yaml.start();
      await writeFile(join(yaml.directory, 'b.yaml'), bytes);
      await until(() => found.length > 0);
      assert.deepEqual([found[0]?.file, found[0]?.line], ['b.yaml', line]);
      assert.match(found[0]?.reason ?? '', reason);
      assert.equal(cluster.get('Persona', 'default', 'one')?.spec.content, 'Hello.');
      await yaml.write('b.yaml', `\u{feff}${file('Grüße')}`);
      await until(() => fixed.length > 0 && cluster.get('Persona', 'default', 'one')?.spec.content === 'Grüße');
    });
  }
});

describe('an edit', () => {
  test('is announced once, under the same uid and with the next generation', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization(), persona('one'), persona('two'));
    const { cluster, announced, until } = await yaml.start();
    const before = cluster.get('Persona', 'default', 'one');
    await yaml.write('a.yaml', organization(), persona('one', 'Help more.'), persona('two'));
    await until(() => announced.length > 0);
    const after = cluster.get('Persona', 'default', 'one');
    assert.equal(after?.spec.content, 'Help more.');
    assert.deepEqual(after?.metadata, { ...before?.metadata, generation: 2 });
    assert.deepEqual(announced, [{ kind: 'Persona', namespace: 'default', name: 'one' }]);
  });

  test('of labels alone does not change the generation', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', persona('one'));
    const { cluster, announced, until } = await yaml.start();
    await yaml.write('a.yaml', persona('one', 'Help.', { labels: { team: 'a' } }));
    await until(() => announced.length > 0);
    const { labels, generation } = cluster.get('Persona', 'default', 'one')?.metadata ?? {};
    assert.deepEqual({ labels, generation }, { labels: { team: 'a' }, generation: 1 });
  });

  test('by an editor that replaces the file deletes nothing', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    await yaml.write('b.yaml', persona('one'));
    const { cluster, announced, until } = await yaml.start(longSaveMs);
    await rename(join(yaml.directory, 'b.yaml'), join(yaml.directory, 'b.yaml~'));
    await yaml.write('b.yaml', persona('one', 'Help more.'));
    await until(() => announced.length > 0);
    assert.equal(cluster.get('Persona', 'default', 'one')?.metadata.generation, 2);
    assert.equal(announced.length, 1);
  });

  test('that is saved in parts deletes nothing', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', persona('one'), persona('two'));
    const { cluster, announced, until } = await yaml.start(longSaveMs);
    await yaml.write('a.yaml', persona('one', 'Help more.'));
    await until(() => announced.length > 0);
    await yaml.write('a.yaml', persona('one', 'Help more.'), persona('two', 'Help more.'));
    await until(() => announced.length > 1);
    assert.deepEqual(
      announced.map(({ name }) => name),
      ['one', 'two'],
    );
    assert.equal(cluster.get('Persona', 'default', 'two')?.metadata.generation, 2);
  });

  test('in a new folder is noticed', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    const { cluster, until } = await yaml.start();
    await yaml.write('new/deep/b.yaml', persona('one'));
    await until(() => cluster.list('Persona').length === 1);
    await yaml.write('new/deep/b.yaml', persona('one', 'Help more.'));
    await until(() => cluster.get('Persona', 'default', 'one')?.metadata.generation === 2);
  });

  test('in a folder that was deleted and made again is noticed', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    await yaml.write('team/b.yaml', persona('one'));
    const { cluster, until } = await yaml.start();
    await rm(join(yaml.directory, 'team'), { recursive: true });
    await until(() => cluster.list('Persona').length === 0);
    await yaml.write('team/b.yaml', persona('one'));
    await until(() => cluster.list('Persona').length === 1);
    await yaml.write('team/b.yaml', persona('one', 'Help more.'));
    await until(() => cluster.get('Persona', 'default', 'one')?.metadata.generation === 2);
  });
});

/** Aliases of aliases, as an attack on parsers has them. */
function bomb(): string {
  const levels = [...'bcdefghij'].map((name, index) => {
    const below = String.fromCharCode('a'.charCodeAt(0) + index);
    return `${name}: &${name} [${Array(9).fill(`*${below}`).join(', ')}]`;
  });
  return ['a: &a [x, x, x]', ...levels].join('\n');
}

describe('a mistake', () => {
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'openai' }, stringData: { key: '${NOWHERE}' } };
  const emptied = { organizationRef: { name: 'acme' }, name: 'two', content: '' };
  const moved = { organizationRef: { name: 'other' }, name: 'two', content: 'Help.' };
  const two = 'Persona default/two';
  // `at` is the text on the line that is to be named.
  const cases = [
    {
      title: 'in the YAML',
      file: [persona('one'), 'apiVersion: v1\nkind: "Secret'],
      at: 'kind: "Secret',
      problem: { document: 2, reason: 'Missing closing "quote' },
    },
    {
      title: 'in a field',
      file: [persona('one'), { ...persona('two'), spec: emptied }],
      at: 'content: ""',
      problem: {
        document: 2,
        object: two,
        field: 'spec.content',
        reason: 'Invalid value: "": spec.content in body should be at least 1 chars long',
      },
    },
    {
      title: 'in an item of a list',
      file: [persona('one'), { apiVersion: 'v1', kind: 'List', items: [{ ...persona('two'), spek: {} }] }],
      at: 'spek',
      problem: { document: 2, object: two, field: 'spek', reason: 'unknown field' },
    },
    {
      title: 'in how a field changes',
      file: [persona('one'), { ...persona('two'), spec: moved }],
      at: 'organizationRef',
      problem: {
        document: 2,
        object: two,
        field: 'spec.organizationRef',
        reason: 'Invalid value: organizationRef is immutable',
      },
    },
    {
      title: 'that states an object twice',
      file: [persona('one'), persona('two'), organization()],
      at: 'apiVersion',
      problem: {
        document: 3,
        object: 'Organization acme',
        reason: 'stated a second time; a.yaml (line 1) stays in force',
      },
    },
    {
      title: 'that puts in another kind',
      file: [persona('one'), persona('two'), deployment],
      at: 'apiVersion',
      problem: {
        document: 3,
        reason:
          'is a Deployment; the kinds read here are Organization, AnalysisConfig, ApiKeyBinding, Persona, Secret, ConfigMap, ' +
          'Namespace and List',
      },
    },
    {
      title: 'in a Secret that takes what is not there',
      file: [persona('one'), persona('two'), secret],
      at: 'NOWHERE',
      problem: {
        document: 3,
        object: 'Secret default/openai',
        field: 'stringData.key',
        reason: 'the environment variable NOWHERE is not set, and no default is given',
      },
    },
  ];
  for (const { title, file, at, problem } of cases) {
    test(`${title} is reported, keeps the last good state, and is reported as fixed`, async (t) => {
      const yaml = await makeYamlDirectory(t);
      await yaml.write('a.yaml', organization());
      await yaml.write('b.yaml', persona('one'), persona('two'));
      const { cluster, found, fixed, until } = await yaml.start();
      const before = cluster.get('Persona', 'default', 'two');

      await yaml.write('b.yaml', ...file);
      await until(() => found.length > 0);
      const lines = (await readFile(join(yaml.directory, 'b.yaml'), 'utf8')).split('\n');
      const line = lines.findLastIndex((text) => text.includes(at)) + 1;
      assert.deepEqual(found, [{ file: 'b.yaml', line, ...problem }]);
      assert.deepEqual(cluster.problems(), found);
      // Longer than a missing object is waited for.
      await delay(150);
      assert.deepEqual(cluster.get('Persona', 'default', 'two'), before);

      await yaml.write('b.yaml', persona('one', 'Other.'), persona('two', 'Other.'));
      await until(() => fixed.length > 0);
      assert.deepEqual(fixed, found);
      assert.deepEqual(cluster.problems(), []);
      assert.equal(cluster.get('Persona', 'default', 'two')?.spec.content, 'Other.');
    });
  }

  const unparsable = [
    ['an alias of nothing', 'a: *nowhere', /Unresolved alias/],
    ['a merge of what is no map', 'a: {<<: 5}', /Merge sources must be maps/],
    ['more aliases than anybody writes', bomb(), /Excessive alias count/],
    ['a nesting that never ends', '['.repeat(200_000), /nested too deeply/],
  ] as const;
  for (const [title, content, reason] of unparsable) {
    test(`such as ${title} affects only its file, at the start and later`, async (t) => {
      const yaml = await makeYamlDirectory(t);
      await yaml.write('a.yaml', organization());
      await yaml.write('b.yaml', content);
      const { cluster, found, until } = await yaml.start();
      assert.deepEqual([found.length, found[0]?.file], [1, 'b.yaml']);
      assert.match(found[0]?.reason ?? '', reason);
      await yaml.write('a.yaml', organization(), persona('one'));
      await until(() => cluster.list('Persona').length === 1);
      assert.equal(found.length, 1);
    });
  }

  test('such as an unreadable file affects only that file', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    await yaml.write('b.yaml', persona('one'));
    const { cluster, found, until } = await yaml.start();
    await yaml.remove('b.yaml');
    // To itself: a permission would not stop root.
    await symlink('b.yaml', join(yaml.directory, 'b.yaml'));
    await until(() => found.length > 0);
    assert.equal(found[0]?.file, 'b.yaml');
    assert.match(found[0]?.reason ?? '', /^cannot be read: ELOOP/);
    await yaml.write('a.yaml', organization(), persona('two'));
    await until(() => cluster.list('Persona').length === 2);
  });

  test('keeps the last good state over a restart', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    await yaml.write('b.yaml', persona('one'));
    const first = await yaml.start();
    const before = first.cluster.get('Persona', 'default', 'one');
    await first.cluster.close();
    await yaml.write('b.yaml', 'kind: [');
    const second = await yaml.start();
    await second.until(() => second.found.length > 0);
    assert.deepEqual(second.cluster.get('Persona', 'default', 'one'), before);
  });

  test('that removes all files keeps everything in force', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    const { cluster, found, until } = await yaml.start();
    await yaml.remove('a.yaml');
    await until(() => found.length > 0);
    assert.match(found[0]?.reason ?? '', /has no \.yaml or \.yml file; what was read last stays in force/);
    assert.equal(cluster.list('Organization').length, 1);
  });
});

describe('a deletion', () => {
  test('removes the object and its status', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    await yaml.write('b.yaml', persona('one'));
    const { cluster, announced, until } = await yaml.start();
    await yaml.remove('b.yaml');
    await until(() => announced.length > 0);
    assert.deepEqual(announced, [{ kind: 'Persona', namespace: 'default', name: 'one' }]);
    assert.deepEqual(cluster.list('Persona'), []);
  });

  test('waits for finalizers, and a new statement meanwhile makes another object', async (t) => {
    const yaml = await makeYamlDirectory(t);
    const key = { kind: 'Persona', namespace: 'default', name: 'one' } as const;
    await yaml.write('a.yaml', organization());
    await yaml.write('b.yaml', persona('one'));
    const { cluster, until } = await yaml.start();
    const find = () => cluster.get('Persona', 'default', 'one');
    await cluster.addFinalizer(key, finalizer);
    await yaml.remove('b.yaml');
    await until(() => find()?.metadata.deletionTimestamp !== undefined);
    await assert.rejects(cluster.addFinalizer(key, 'other'), { code: 'conflict' });
    const old = find();
    await yaml.write('b.yaml', persona('one', 'New.'));
    await yaml.write('c.yaml', persona('two'));
    await until(() => cluster.list('Persona').length === 2);
    assert.deepEqual(find(), old);

    await cluster.removeFinalizer(key, finalizer);
    await until(() => find()?.spec.content === 'New.');
    assert.notEqual(find()?.metadata.uid, old?.metadata.uid);
    assert.equal(find()?.metadata.deletionTimestamp, undefined);
  });

  test('is noticed at the start, if it happened while no process ran', async (t) => {
    const yaml = await makeYamlDirectory(t);
    await yaml.write('a.yaml', organization());
    await yaml.write('b.yaml', persona('one'), persona('two'));
    const first = await yaml.start();
    const key = { kind: 'Persona', namespace: 'default', name: 'one' } as const;
    await first.cluster.addFinalizer(key, finalizer);
    await first.cluster.close();
    await yaml.remove('b.yaml');

    const { cluster, until } = await yaml.start();
    await until(() => cluster.list('Persona').length === 1);
    await until(() => cluster.get('Persona', 'default', 'one')?.metadata.deletionTimestamp !== undefined);
    assert.equal(cluster.get('Persona', 'default', 'one')?.spec.content, 'Help.');
    await cluster.removeFinalizer(key, finalizer);
    assert.deepEqual(cluster.list('Persona'), []);
  });
});
