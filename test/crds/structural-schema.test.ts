import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StructuralSchema } from '../../crds/definition.ts';
import { compileStructuralSchema } from '../../crds/structural-schema.ts';

const immutable = [{ rule: 'self == oldSelf', message: 'is immutable' }];

const schema: StructuralSchema = {
  type: 'object',
  properties: {
    port: { 'x-kubernetes-int-or-string': true },
    note: { type: 'string', nullable: true },
    count: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self % 2 == 0', message: 'must be even' }] },
    members: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        properties: { name: { type: 'string' }, zone: { type: 'string', 'x-kubernetes-validations': immutable } },
      },
    },
    steps: { type: 'array', items: { type: 'string', 'x-kubernetes-validations': immutable } },
  },
};
const validate = compileStructuralSchema(schema);

test('int-or-string accepts only integers and strings', () => {
  assert('object' in validate({ port: 80 }));
  assert('object' in validate({ port: 'http' }));
  assert('problems' in validate({ port: 8.5 }));
});

test('a null stays where it is allowed and goes where it is not', () => {
  assert.deepEqual(validate({ note: null, count: null }), { object: { note: null } });
});

test('a rule sees integers as integers', () => {
  assert('object' in validate({ count: 4 }));
  assert.deepEqual(validate({ count: 3 }), {
    problems: [{ field: 'count', message: 'Invalid value: 3: must be even' }],
  });
});

test('an item of a list of type map is compared with its former value, whatever its position', () => {
  const old = {
    members: [
      { name: 'a', zone: '1' },
      { name: 'b', zone: '2' },
    ],
  };
  assert(
    'object' in
      validate(
        {
          members: [
            { name: 'b', zone: '2' },
            { name: 'c', zone: '3' },
          ],
        },
        old,
      ),
  );
  assert.deepEqual(validate({ members: [{ name: 'b', zone: '1' }] }, old), {
    problems: [{ field: 'members[0].zone', message: 'Invalid value: "1": is immutable' }],
  });
});

test('an item of another list has no former value', () => {
  assert('object' in validate({ steps: ['b'] }, { steps: ['a'] }));
});

test('keys with a meaning in JavaScript are fields like others', () => {
  const result = validate(JSON.parse('{"__proto__": {"port": 80}, "constructor": 1}'));
  assert.deepEqual(result, {
    problems: [
      { field: '__proto__', message: 'unknown field' },
      { field: 'constructor', message: 'unknown field' },
    ],
  });
});
