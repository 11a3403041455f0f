import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { customKinds, readDefinition } from '../../crds/definition.ts';
import { makeValidator } from '../../crds/validate.ts';
import { assigned, example, fixtures } from './fixtures.ts';

for (const kind of customKinds) {
  describe(kind, () => {
    const validate = makeValidator(kind);
    for (const { title, object, old, wrong } of fixtures.filter((fixture) => fixture.kind === kind)) {
      test(`${title}: ${wrong.length > 0 ? `wrong are ${wrong.join(', ')}` : 'valid'}`, () => {
        const result = validate(object, assigned, old);
        const problems = 'problems' in result ? result.problems : [];
        const fields = new Set(problems.map(({ field }) => field));
        assert.deepEqual([...fields].sort(), wrong.toSorted(), JSON.stringify(problems));
      });
    }
  });
}

test('the schemas are good JSON Schema, which no start of the operator checks', () => {
  const ajv = new Ajv({ strict: false, logger: false });
  for (const kind of customKinds) {
    const { schema } = readDefinition(kind);
    assert.equal(ajv.validateSchema(schema), true, ajv.errorsText(ajv.errors));
    assert.equal(ajv.validateSchema({ ...schema, required: 'name' }), false);
  }
});

test('defaults are filled in, those inside of defaulted objects too', () => {
  const result = makeValidator('Organization')(example('Organization'), assigned);
  assert('object' in result);
  assert.deepEqual(result.object.spec, {
    namespaceSelector: {},
    authentication: { tokenLifetime: '8760h', leeway: '30s', requireUser: true },
    providers: [{ name: 'openai', type: 'openai', timeouts: { headers: '600s', idle: '120s' } }],
    sessions: { idleTimeout: '30m' },
    storage: { contents: 'Full', analysisLifetime: '720h' },
    deletionPolicy: 'Retain',
  });
});

describe('a problem has the words of the API server', () => {
  const table = [
    [{ deletionPolicy: 'Keep' }, 'Unsupported value: "Keep": supported values: "Retain", "Delete"'],
    [{ displayName: 5 }, 'Invalid value: "integer": spec.displayName in body must be of type string: "integer"'],
    [{ displayName: 'x'.repeat(201) }, 'Too long: may not be more than 200 bytes'],
    [{ providers: [] }, 'Invalid value: 0: spec.providers in body should have at least 1 items'],
    [
      { providers: [{ name: 'a', type: 'compatible' }] },
      'Required value: baseUrl is required where type is azure or compatible',
    ],
    [{ authentication: { tokenLifetime: '1s' } }, 'Invalid value: "1s": tokenLifetime must be at least 1m'],
    [{ models: { allow: ['a', 'a'] } }, 'Duplicate value: "a"'],
    [{ namespaceSelector: undefined }, 'Required value'],
    [{ quotas: [] }, 'unknown field'],
  ] as const;
  const validate = makeValidator('Organization');
  for (const [changes, message] of table) {
    test(message, () => {
      const result = validate(example('Organization', changes), assigned);
      assert('problems' in result);
      assert.deepEqual(
        result.problems.map((problem) => problem.message),
        [message],
      );
    });
  }
});

test('a cluster-scoped kind has no namespace', () => {
  const object = { ...example('Organization'), metadata: { name: 'acme', namespace: 'default' } };
  const result = makeValidator('Organization')(object, assigned);
  assert.deepEqual(result, { problems: [{ field: 'metadata.namespace', message: 'unknown field' }] });
});

test('any value gets a verdict, never an exception', () => {
  for (const kind of customKinds) {
    const validate = makeValidator(kind);
    fc.assert(
      fc.property(fc.json(), fc.dictionary(fc.string(), fc.json()), (spec, old) => {
        assert('problems' in validate({ ...example(kind), spec: JSON.parse(spec) }, assigned, old));
      }),
    );
  }
});
