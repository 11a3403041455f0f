import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { readDefinitions, type StructuralSchema } from '../../crds/definition.ts';
import { repository } from '../directories.ts';

/** Fields that the example does not have, with all below them, and why. */
const absent: Readonly<Record<string, string>> = {
  'Organization spec.providers.baseUrl': 'it would lead away from the sandbox; a comment shows it',
  'Organization spec.providers.apiVersion': 'it belongs to Azure, which a comment shows',
  'Organization spec.providers.entra': 'it belongs to Azure, which a comment shows',
  'Organization spec.authentication.serviceAccounts': 'there are none outside a cluster; a comment shows it',
  'Organization spec.authentication.issuers': 'it needs an identity provider of your own; a comment shows it',
  'Organization spec.authentication.sharedSecretRef':
    'whoever reads a published secret could be anybody; a comment shows it',
  'Organization spec.authentication.accounts': 'a published password would open it to anybody; a comment shows it',
  'Organization spec.cache.match.workloads': 'where the example is tried, no call is from a workload',
};

/** Fields of other APIs, of which some stand for all. */
const passedOn: Readonly<Record<string, readonly string[]>> = {
  'Persona spec.parameters.text': ['verbosity'],
  'Persona spec.parameters': ['temperature', 'max_output_tokens', 'reasoning', 'text', 'store'],
};

/** Every field below `path`. A field of a list's items has the path of the list. */
function fieldsOf({ properties = {}, items }: StructuralSchema, path: string): string[] {
  if (items) return fieldsOf(items, path);
  const some = passedOn[path];
  return [
    path,
    ...Object.entries(properties).flatMap(([name, one]) =>
      some && !some.includes(name) ? [] : fieldsOf(one, `${path}.${name}`),
    ),
  ];
}

function addStated(value: unknown, path: string, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const one of value) addStated(one, path, found);
    return;
  }
  found.add(path);
  if (typeof value !== 'object' || value === null) return;
  for (const [name, one] of Object.entries(value)) addStated(one, `${path}.${name}`, found);
}

describe('examples/complete', () => {
  const used = new Set<string>();
  before(async () => {
    const directory = join(repository, 'examples/complete');
    for (const file of globSync('**/*.yaml', { cwd: directory })) {
      for (const document of parseAllDocuments(await readFile(join(directory, file), 'utf8'))) {
        const { kind, spec } = document.toJS() as { kind: string; spec?: unknown };
        addStated(spec, `${kind} spec`, used);
      }
    }
  });

  for (const { kind, schema } of readDefinitions()) {
    it(`uses every field of ${kind}, or says why not`, () => {
      const { spec } = schema.properties ?? {};
      const all = fieldsOf(spec ?? assert.fail(kind), `${kind} spec`);
      const isAbsent = (path: string) => Object.keys(absent).some((one) => path === one || path.startsWith(`${one}.`));
      assert.deepEqual(
        all.filter((path) => !used.has(path) && !isAbsent(path)),
        [],
      );
    });
  }

  it('has no reason for a field that it uses or that there is not', () => {
    const all = new Set(
      readDefinitions().flatMap(({ kind, schema }) =>
        fieldsOf(schema.properties?.spec ?? assert.fail(kind), `${kind} spec`),
      ),
    );
    for (const path of Object.keys(absent)) assert.ok(all.has(path) && !used.has(path), path);
  });
});
