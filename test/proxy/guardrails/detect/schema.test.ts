import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { makeSchemaCheck } from '../../../../proxy/guardrails/detect/schema.ts';

suite('the schema of an output', () => {
  const { check } = makeSchemaCheck({
    type: 'object',
    required: ['city'],
    properties: {
      city: { type: 'string', pattern: '^(x+x+)+y$' },
      days: { type: 'array', items: { type: 'integer' } },
    },
    additionalProperties: { type: 'string' },
  });

  test('a text that meets it has no problem', () => {
    assert.equal(check('{"city":"xxy","days":[1]}'), undefined);
  });

  const problems: readonly (readonly [text: string, path: string, keyword: string])[] = [
    ['{"city":', '', 'json'],
    ['{"days":[1]}', '', 'required'],
    ['{"city":"xxy","days":[1,"x"]}', '/days/1', 'type'],
    // The name of a field that the schema does not know is content.
    ['{"city":"xxy","ada@example.com":3}', '/*', 'type'],
  ];
  for (const [text, path, keyword] of problems) {
    test(`${text} breaks ${keyword} at ${path || 'the top'}`, () => {
      const problem = check(text);
      assert.deepEqual([problem?.path, problem?.keyword], [path, keyword]);
      assert.doesNotMatch(problem?.message ?? '', /ada/);
    });
  }

  test('a pattern takes linear time', () => {
    assert.equal(check(JSON.stringify({ city: 'x'.repeat(5_000) }))?.keyword, 'pattern');
  });

  test('refuses what is no schema, or a very large one', () => {
    assert.throws(() => makeSchemaCheck({ type: 'objekt' }), /schema must be a JSON schema/);
    assert.throws(() => makeSchemaCheck({ $ref: 'https://example.com/schema' }), /schema must be a JSON schema/);
    assert.throws(() => makeSchemaCheck({ description: 'x'.repeat(70_000) }), /schema must have at most 64 KiB/);
  });
});
