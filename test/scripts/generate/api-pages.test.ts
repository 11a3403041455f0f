import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readApiDocument, readRefusals } from '../../../scripts/generate/api-document.ts';
import { renderOperation } from '../../../scripts/generate/api-operation.ts';

describe('the pages of the API', () => {
  it('say who may, where a role is needed', async () => {
    const { paths } = await readApiDocument();
    const silent = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(
          ([, operation]) =>
            readRefusals(operation).some(({ code }) => code === 'role_required') && !operation['x-roles'],
        )
        .map(([method]) => `${method.toUpperCase()} ${path}: its route needs \`roles\` (proxy/http/described.ts)`),
    );
    assert.deepEqual(silent, []);
  });

  it('show parameters, fields at any depth, what may be null, and the errors that not all have', () => {
    const operation = {
      summary: 'Make a thing',
      tags: ['Things'],
      parameters: [
        {
          name: 'limit',
          in: 'query',
          required: true,
          schema: { type: 'integer', minimum: 1, maximum: 10, default: 5 },
        },
      ],
      requestBody: {
        content: {
          'application/json': {
            schema: {
              required: ['a'],
              properties: {
                a: { anyOf: [{ type: 'string', maxLength: 9 }, { type: 'null' }], description: 'Its a|b.' },
                list: { type: 'array', items: { type: 'object', properties: { b: { enum: ['x', 'y'] } } } },
              },
              example: { a: null },
            },
          },
        },
      },
      responses: {
        201: { description: 'Created' },
        400: { description: '`invalid_request`' },
        409: { description: '`name_taken`' },
      },
      'x-roles': 'admin',
    };
    const document = { paths: {}, components: { parameters: {}, headers: {} } };
    const text = renderOperation(
      document,
      { method: 'POST', path: '/v1/things', operation },
      new Set(['invalid_request']),
    );
    assert.match(text, /^### `POST \/v1\/things`\n\nMake a thing\.\n\nRoles: admin\.\n/);
    assert.ok(text.includes('| `limit` | query | integer | `5` | 1 to 10. |'), text);
    assert.ok(text.includes('| `a` | string or null | yes | Its a\\|b. At most 9 characters. |'), text);
    assert.ok(text.includes('| `list[].b` | string |  | One of `x`, `y`. |'), text);
    assert.ok(text.includes('{\n  "a": null\n}'), text);
    assert.ok(text.includes('**Answer 201**') && text.endsWith('Errors: 409 `name_taken`.\n'), text);
  });
});
