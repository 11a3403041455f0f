import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeChanges, type Known, type Readiness } from '../../../cli/local/readiness.ts';

const persona: Readiness = {
  ...{ kind: 'Persona', namespace: 'default', name: 'agent', isWell: true },
  ...{ reason: 'Ready', message: 'The persona is in force.' },
};
const organization: Readiness = { ...persona, kind: 'Organization', namespace: '', name: 'acme', message: 'Served.' };
const broken: Readiness = { ...persona, isWell: false, reason: 'ContentNotFound', message: 'Create it.' };
const knownOf = (...objects: readonly Readiness[]): Known =>
  new Map(objects.map((object) => [`${object.kind} ${object.name}`, object]));

const table: readonly (readonly [what: string, Known, Known, wrong: readonly string[], notes: readonly string[]])[] = [
  ['nothing, where nothing has changed', knownOf(persona, organization), knownOf(persona, organization), [], []],
  ['nothing twice', knownOf(broken), knownOf(broken), [], []],
  [
    'what is not ready',
    knownOf(persona),
    knownOf(broken),
    ['Persona default/agent is not ready (ContentNotFound): Create it.'],
    [],
  ],
  [
    'what is not ready for another reason',
    knownOf(broken),
    knownOf({ ...broken, message: 'Save it as UTF-8.' }),
    ['Persona default/agent is not ready (ContentNotFound): Save it as UTF-8.'],
    [],
  ],
  [
    'what is ready again',
    knownOf(broken),
    knownOf(persona),
    [],
    ['Persona default/agent is ready again: The persona is in force.'],
  ],
  ['what is new', knownOf(), knownOf(organization), [], ['Organization acme is new: Served.']],
  [
    'in one line what is gone together',
    knownOf(persona, organization),
    knownOf(),
    [],
    ['Deleted, since no file contains them any more: Organization acme, Persona default/agent'],
  ],
];
for (const [what, before, now, wrong, notes] of table) {
  test(`reports ${what}`, () => {
    assert.deepEqual(describeChanges(before, now), { wrong, notes });
  });
}
