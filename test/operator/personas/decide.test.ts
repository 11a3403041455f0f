import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Organization, Persona } from '../../../crds/resources.generated.ts';
import { decidePersona, type PersonaRow } from '../../../operator/personas/decide.ts';
import { makeOrganization, makePersonaResource } from '../memory-cluster.ts';
import { makeTenantObject, organizationId, rowId } from '../tenant-object.ts';

const row: PersonaRow = {
  organizationId,
  personaId: rowId,
  resource: 'web/support',
  servesNamespace: 'web',
  name: 'support',
  description: null,
  content: 'Be kind.',
  users: [],
  model: null,
  parameters: {},
  isActive: true,
};

function decide(spec: Partial<Persona['spec']>, content: string | undefined, stored?: PersonaRow, isBinary = false) {
  const persona = makePersonaResource('web/support', spec);
  return decidePersona({ persona, content, isBinary, stored }, makeTenantObject<'Persona'>(persona));
}

const hash = createHash('sha256').update('Be kind.').digest('hex');

/** As Events show it. */
function hashOf(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}

test('a new persona is written', () => {
  const { write, verdict, contentHash } = decide({}, 'Be kind.');
  assert.deepEqual(write, row);
  assert.deepEqual([verdict.status, verdict.reason, contentHash], [true, 'Ready', hash]);
});

test('a persona whose row is up to date is not written again', () => {
  assert.equal(decide({}, 'Be kind.', row).write, undefined);
});

const changes: readonly (readonly [Partial<Persona['spec']>, string, Partial<PersonaRow>])[] = [
  [{}, 'Be kinder.', { content: 'Be kinder.' }],
  [{ name: 'new' }, 'Be kind.', { name: 'new' }],
  [{ description: 'For all.' }, 'Be kind.', { description: 'For all.' }],
  [{ users: ['ada'] }, 'Be kind.', { users: ['ada'] }],
  [{ model: 'o3' }, 'Be kind.', { model: 'o3' }],
  [{ parameters: { temperature: 0 } }, 'Be kind.', { parameters: { temperature: 0 } }],
  [{ active: false }, 'Be kind.', { isActive: false }],
];
for (const [spec, content, expected] of changes) {
  test(`a change is written: ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(decide(spec, content, row).write, { ...row, ...expected });
  });
}

const edits: readonly (readonly [Partial<Persona['spec']>, string, string | undefined])[] = [
  [{}, 'Be kind.', undefined],
  [
    {},
    'Be kinder.',
    `A change is in force from now on: content ${hashOf('Be kinder.')} (before: ${hashOf('Be kind.')}).`,
  ],
  [{ model: 'o3', active: false }, 'Be kind.', 'A change is in force from now on: model, active.'],
];
for (const [spec, content, expected] of edits) {
  test(`the Event of an edit names what has changed: ${expected}`, () => {
    assert.equal(decide(spec, content, row).edit, expected);
    assert.equal(decide(spec, content).edit, undefined, 'the first is no edit');
  });
}

test('an inactive persona is not Ready, and is written', () => {
  const { verdict, write } = decide({ active: false }, 'Be kind.');
  assert.deepEqual([verdict.status, verdict.reason, write?.isActive], [false, 'Inactive', false]);
  assert.match(verdict.message, /spec\.active is false/);
});

const rules: readonly (readonly [Organization['spec']['models'], string])[] = [
  [undefined, 'Ready'],
  [{ allow: ['o*'] }, 'Ready'],
  [{ allow: ['gpt-4o', 'gpt-5*'] }, 'ModelNotAllowed'],
  [{ deny: ['*'] }, 'ModelNotAllowed'],
];
for (const [models, reason] of rules) {
  test(`a persona whose model is o3 is ${reason} where the Organization has ${JSON.stringify(models)}`, () => {
    const persona = makePersonaResource('web/support', { model: 'o3' });
    const object = makeTenantObject<'Persona'>(persona, makeOrganization('acme', models && { models }));
    const { verdict, write } = decidePersona(
      { persona, content: 'Be kind.', isBinary: false, stored: undefined },
      object,
    );
    assert.equal(verdict.reason, reason);
    // Calls that name a model themselves are served.
    assert.equal(write?.model, 'o3');
  });
}

test('a persona without its ConfigMap is not written, and the last version stays in force', () => {
  const spec = { contentFrom: { configMapKeyRef: { name: 'texts', key: 'support' } } };
  const first = decide(spec, undefined);
  assert.deepEqual([first.write, first.contentHash, first.verdict.reason], [undefined, undefined, 'ContentNotFound']);
  assert.equal(first.verdict.message, 'There is no ConfigMap "texts" with key "support". Create it.');
  assert.match(
    decide(spec, undefined, undefined, true).verdict.message,
    /^Key "support" of ConfigMap "texts" is not UTF-8\. Save the text as UTF-8/,
  );
  const later = decide(spec, undefined, row);
  assert.deepEqual([later.write, later.contentHash, later.verdict.status], [undefined, hash, false]);
  assert.match(later.verdict.message, /The last content stays in force\.$/);
});

test('parameters that no provider takes are refused by name, and the last version stays in force', () => {
  const first = decide({ parameters: { temperature: 3 } }, 'Be kind.');
  assert.deepEqual([first.write, first.verdict.status, first.verdict.reason], [undefined, false, 'ParametersInvalid']);
  assert.equal(first.verdict.message, 'spec.parameters.temperature must be a number from 0 to 2, not 3; correct it.');
  const later = decide({ parameters: { temperature: 3 } }, 'Be kinder.', row);
  assert.deepEqual([later.write, later.contentHash], [undefined, hash]);
  assert.match(later.verdict.message, / Until then what was in force before stays in force\.$/);
});

test('parameters that govern the call or refer to resources are refused by name, and the last version stays in force', () => {
  const first = decide({ parameters: { temperature: 0, background: true } }, 'Be kind.');
  assert.deepEqual([first.write, first.verdict.status, first.verdict.reason], [undefined, false, 'ParametersRefused']);
  assert.equal(first.verdict.message, 'spec.parameters.background is for each request to say; remove it.');
  const tools = [{ type: 'file_search', vector_store_ids: ['vs_1'] }];
  const later = decide({ parameters: { tools } }, 'Be kinder.', row);
  assert.deepEqual([later.write, later.contentHash, later.verdict.reason], [undefined, hash, 'ParametersRefused']);
  assert.match(later.verdict.message, /^spec\.parameters\.tools names what is kept at a provider in vector_store_ids/);
  assert.match(later.verdict.message, /What was in force before stays in force/);
});
