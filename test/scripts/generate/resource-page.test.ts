import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { readDefinitions, type StructuralSchema } from '../../../crds/definition.ts';
import { readExample, renderResourcePage } from '../../../scripts/generate/resource-page.ts';
import { repository } from '../../directories.ts';

describe('the page of a kind', () => {
  for (const definition of readDefinitions()) {
    it(`of ${definition.kind} describes every field, and has an example`, async () => {
      const example = await readExample(join(repository, 'examples/quickstart'), definition.kind);
      assert.equal(parse(example).kind, definition.kind);
      const page = renderResourcePage(definition, example);
      const rows = page.split('\n').filter((line) => line.startsWith('| `'));
      assert.equal(rows.length, countRows(definition.schema));
      assert.ok(
        rows.every((row) => /\| [^|]*\S \|$/.test(row.replaceAll('\\|', ''))),
        'a field has no description',
      );
    });
  }

  it('shows types, defaults, bounds and rules', () => {
    const spec: StructuralSchema = {
      type: 'object',
      required: ['plain'],
      properties: {
        plain: { type: 'string', description: 'A word < or |.', pattern: 'a|b', minLength: 1 },
        list: {
          type: 'array',
          description: 'First sentence. Second.',
          items: {
            type: 'object',
            'x-kubernetes-validations': [{ rule: 'true', message: 'n must be odd' }],
            properties: { n: { type: 'integer', default: 3, maximum: 10_000, description: 'A number.' } },
          },
        },
      },
    };
    const schema = { type: 'object', properties: { spec, status: { type: 'object', properties: {} } } } as const;
    const page = renderResourcePage(
      {
        ...{ file: 'things.yaml', kind: 'Thing', scope: 'Namespaced', columns: [], schema },
        names: { plural: 'things', singular: 'thing', shortNames: ['th'] },
      },
      'kind: Thing',
    );
    assert.ok(page.includes('| `plain` | string | required | A word &lt; or \\|. Not empty. Matches `a\\|b`. |'), page);
    assert.ok(page.includes('| `list` | list of objects |  | First sentence. [More](#speclist). |'), page);
    assert.ok(page.includes('### spec.list\n\nFirst sentence. Second.'), page);
    assert.ok(page.includes('- n must be odd'), page);
    assert.ok(page.includes('| `n` | integer | `3` | A number. At most 10,000. |'), page);
  });
});

/** Rows of fields: those of sections twice, once in the table of the spec. */
function countRows({ properties: { spec, status } = {} }: StructuralSchema): number {
  assert.ok(spec && status);
  return countFields(spec) + countFields(status);
}

function countFields(schema: StructuralSchema): number {
  const inner = schema.items ?? schema.additionalProperties;
  const own = Object.values(schema.properties ?? {}).reduce((sum, child) => sum + 1 + countFields(child), 0);
  return own + (inner ? countFields(inner) : 0);
}
