import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readDefinitions, type StructuralSchema } from '../../crds/definition.ts';

/** What of an Organization is about enforcement: which calls are refused, redirected, capped and recorded. */
const enforcement = [
  ...['providers', 'retries', 'models', 'prices', 'limits', 'tier', 'tiers', 'budgets', 'guardrails', 'cache'],
  ...['gateway', 'audit'],
];

/** Fields that the example does not have, and why. */
const absent: Readonly<Record<string, string>> = {
  'providers.baseUrl': 'it would lead away from the sandbox; a comment shows it',
  'providers.apiVersion': 'it belongs to Azure, which a comment shows',
  'providers.entra': 'it belongs to Azure, which a comment shows',
  'cache.match.workloads': 'where the example is tried, no call is from a workload',
};

function fieldsOf(schema: StructuralSchema, path: string): string[] {
  const { properties = {}, items } = schema;
  if (path in absent) return [];
  if (items) return fieldsOf(items, path);
  return [path, ...Object.entries(properties).flatMap(([name, one]) => fieldsOf(one, `${path}.${name}`))];
}

function stated(value: unknown, path: string, found: Set<string>): Set<string> {
  if (Array.isArray(value)) for (const one of value) stated(one, path, found);
  else {
    found.add(path);
    if (typeof value === 'object' && value !== null)
      for (const [name, one] of Object.entries(value)) stated(one, `${path}.${name}`, found);
  }
  return found;
}

test('the complete example uses every field of enforcement', async () => {
  const text = await readFile(join(import.meta.dirname, '../../examples/complete/organization.yaml'), 'utf8');
  const spec = (parse(text) as { spec: Record<string, unknown> }).spec;
  const schema =
    readDefinitions().find(({ kind }) => kind === 'Organization')?.schema.properties?.spec?.properties ?? {};
  for (const field of enforcement) {
    const used = stated(spec[field], field, new Set());
    const all = fieldsOf(schema[field] ?? assert.fail(field), field);
    assert.deepEqual(
      all.filter((path) => !used.has(path)),
      [],
      field,
    );
  }
});
