import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Candidate, makeAdmission, type OwnCheck } from '../../../../proxy/calls/admit/admission.ts';
import type { CallContext } from '../../../../proxy/calls/context.ts';
import type { Ownership } from '../../../../proxy/calls/resources/ownership.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import { batches } from '../../../../proxy/operations/batches.ts';
import { chat } from '../../../../proxy/operations/chat.ts';
import { moderations } from '../../../../proxy/operations/moderations.ts';
import { responses } from '../../../../proxy/operations/responses.ts';
import type { Snapshot } from '../../../../proxy/snapshot/snapshot.ts';
import { makeKey } from '../../snapshot.ts';
import { makeCallContext } from '../context.ts';

const key = makeKey('c1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8091');
const other = makeKey('d1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8092', { servesModel: (model) => model !== 'gpt-4o' });
const reference = { kind: 'response', id: 'resp_1', param: 'previous_response_id' } as const;
const file = { kind: 'file', id: 'file-1', param: 'input_file_id' } as const;
const onlyMini = (model: string | undefined) => model === 'gpt-4o-mini';

/** Of the things that callers refer to, ann's are by the first key, and nobody else's are there. */
const ownership: Pick<Ownership, 'requireAll'> = {
  async requireAll(references, { user }) {
    if (user === 'ann') return { apiKeyId: key.id };
    throw new ProxyError('resource_not_found', { param: references[0]?.param ?? '' });
  },
};

/** A context in which the first key is in force, except for what the test says. */
function contextOf(snapshot: Partial<Snapshot>, user: string): CallContext {
  return makeCallContext({ organizationKeys: [key], keys: new Map([[key.id, key]]), ...snapshot }, { user });
}

function makeCandidate(changes: Partial<Candidate>, snapshot: Partial<Snapshot> = {}, user = 'ann'): Candidate {
  return {
    context: contextOf(snapshot, user),
    operation: responses,
    body: { model: 'gpt-4o', input: 'Hi' },
    said: { model: 'gpt-4o', input: 'Hi' },
    isRewritable: true,
    otherModels: [],
    references: [],
    ...changes,
  };
}

function admissionWith(ownCheck?: OwnCheck) {
  return makeAdmission({
    ownership: ownership as Ownership,
    exchange: () => assert.fail(),
    guardrails: { check: () => undefined },
    ownChecks: ownCheck ? { batches: ownCheck } : {},
  });
}

/** Calls that may not be made. Each breaks a check, and where it breaks two, the first of them says so. */
const refused: readonly (readonly [
  name: string,
  changes: Partial<Candidate>,
  snapshot: Partial<Snapshot>,
  problem: string,
  param: string | null,
])[] = [
  ['without its model', { body: { input: 'Hi' } }, {}, 'invalid_request', 'model'],
  ['without a field that it needs', { operation: chat, body: { model: 'm' } }, {}, 'invalid_request', 'messages'],
  ['of a model that is not allowed', {}, { allowsModel: onlyMini }, 'model_not_allowed', 'model'],
  [
    'that names such a model beside its own',
    { body: { model: 'gpt-4o-mini' }, otherModels: ['gpt-4o'] },
    { allowsModel: onlyMini },
    'model_not_allowed',
    'model',
  ],
  ['of a model that no key serves', {}, { organizationKeys: [other] }, 'no_api_key', 'model'],
  ['for which there is no key', {}, { organizationKeys: [] }, 'no_api_key', null],
  [
    'that leaves its model to the provider, where there are rules',
    { operation: moderations, body: { input: 'Hi' } },
    { allowsModel: onlyMini },
    'model_not_allowed',
    'model',
  ],
  [
    'of a line whose model the key of its file does not serve',
    { fixed: { key: other, param: 'input_file_id' } },
    {},
    'invalid_request',
    'input_file_id',
  ],
  [
    'of a line that refers to what another key has made',
    { body: { model: 'm' }, references: [reference], fixed: { key: other, param: 'input_file_id' } },
    {},
    'invalid_request',
    'input_file_id',
  ],
  ['that breaks two rules', { body: {} }, { allowsModel: onlyMini, organizationKeys: [] }, 'invalid_request', 'model'],
];

for (const [name, changes, snapshot, code, param] of refused) {
  test(`a call ${name} may not be made`, async () => {
    await assert.rejects(async () => admissionWith().admit(makeCandidate(changes, snapshot)), { code, param });
  });
}

const foreign: readonly (readonly [string, Partial<Candidate>, string])[] = [
  ['a response that it follows', { references: [reference] }, 'previous_response_not_found'],
  ['a file', { references: [file] }, 'resource_not_found'],
  [
    'a response, in a line of a batch',
    { references: [reference], fixed: { key, param: 'input_file_id' } },
    'resource_not_found',
  ],
];
for (const [name, changes, code] of foreign) {
  test(`another user’s resource does not exist for the caller: ${name}`, async () => {
    await assert.rejects(async () => admissionWith().admit(makeCandidate(changes, {}, 'bob')), { code });
  });
}

test('an API that the organization does not serve is refused before the body is read', () => {
  const surfaces: Snapshot['surfaces'] = new Set(['chat']);
  assert.throws(() => admissionWith().open(contextOf({ surfaces }, 'ann'), responses), { code: 'surface_not_allowed' });
  admissionWith().open(contextOf({ surfaces }, 'ann'), chat);
});

test('a call that refers to nothing is admitted without waiting', () => {
  assert.deepEqual(admissionWith().admit(makeCandidate({})), {
    model: 'gpt-4o',
    terms: undefined,
    madeBy: undefined,
    lines: undefined,
    key,
    guard: undefined,
  });
});

test('a call uses the key that made the resource it refers to', async () => {
  const candidate = makeCandidate({ references: [reference] }, { organizationKeys: [other, key] });
  const { key: found, madeBy } = await admissionWith().admit(candidate);
  assert.equal(found, key);
  assert.equal(madeBy?.apiKeyId, key.id);
});

test('a line of a batch uses the key of its file', async () => {
  const candidate = makeCandidate({ body: { model: 'm' }, fixed: { key: other, param: 'input_file_id' } });
  assert.equal((await admissionWith().admit(candidate)).key, other);
});

test('an operation’s own check runs last, gets the key, and decides about the models itself', async () => {
  const judged: string[] = [];
  const admission = admissionWith(async (_, { id }) => void judged.push(id));
  const body = { input_file_id: 'file-1', endpoint: '/v1/responses' };
  const candidate = makeCandidate({ operation: batches, body }, { allowsModel: onlyMini });
  await admission.admit(candidate);
  assert.deepEqual(judged, [key.id]);
  await assert.rejects(async () => admission.admit({ ...candidate, body: {} }), { param: 'input_file_id' });
  assert.deepEqual(judged, [key.id]);
});
