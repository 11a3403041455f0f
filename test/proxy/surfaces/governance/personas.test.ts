import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';

import { type Ask, makeAsk } from './ask.ts';

describe('/v1/personas', () => {
  const scope = suiteScope();
  let stack: Stack;
  let ask: Ask;
  before(async () => {
    stack = await startStack(scope, { ownDatabase: true });
    ask = makeAsk(stack);
  });

  const pirate = { name: 'Pirate', content: 'Talk like a pirate.', description: 'For fun' };
  const callWith = (personaId: string, user = 'ada') =>
    ask('POST', '/responses', { model: 'gpt-4o', input: 'Hi', persona_id: personaId }, { 'x-user-id': user });

  it('makes a persona that works in the next call, changes it and deletes it', async () => {
    const made = await ask('POST', '/personas', pirate);
    assert.equal(made.status, 201);
    const { id, organization_id, created_at, updated_at, ...rest } = made.body;
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {
      ...pirate,
      user_id: null,
      users: [],
      model: null,
      parameters: {},
      is_active: true,
      managed_by: null,
    });
    assert.ok(Date.parse(created_at) <= Date.parse(updated_at) && organization_id !== id);

    const called = await callWith(id);
    assert.equal(called.body.instructions, pirate.content);
    const changed = await ask('PUT', `/personas/${id}`, { name: 'Captain', content: 'Talk like a captain.' });
    assert.deepEqual([changed.status, changed.body.name, changed.body.description], [200, 'Captain', null]);
    assert.equal((await callWith(id)).body.instructions, 'Talk like a captain.');
    const patched = await ask('PATCH', `/personas/${id}`, { description: 'Aye' });
    assert.deepEqual([patched.body.name, patched.body.description], ['Captain', 'Aye']);
    assert.deepEqual((await ask('GET', `/personas/${id}`)).body, patched.body);

    const gone = await ask('DELETE', `/personas/${id}`);
    assert.deepEqual([gone.status, gone.body.deleted, gone.body.deactivated], [200, false, true]);
    assert.match(gone.body.message, /has been used/);
    const refused = await callWith(id);
    assert.deepEqual(
      [refused.status, refused.body.error.message],
      [404, 'Persona not found or not accessible: GET /v1/personas lists those that you may use'],
    );
    assert.equal((await ask('GET', `/personas/${id}`)).body.is_active, false);
  });

  it('deletes one that was never used', async () => {
    const { body } = await ask('POST', '/personas', { ...pirate, name: 'Unused' });
    const gone = await ask('DELETE', `/personas/${body.id}`);
    assert.deepEqual([gone.body.deleted, gone.body.deactivated], [true, false]);
    assert.equal((await ask('GET', `/personas/${body.id}`)).status, 404);
    assert.equal((await ask('DELETE', `/personas/${body.id}`)).status, 404);
    // Its name is free again.
    assert.equal((await ask('POST', '/personas', { ...pirate, name: 'Unused' })).status, 201);
  });

  it('restricts a persona to a user, so that others cannot find it', async () => {
    const { body: own } = await ask('POST', '/personas', { ...pirate, name: 'For Bob', user_id: 'bob' });
    assert.deepEqual([own.user_id, own.users], ['bob', ['bob']]);
    assert.equal((await callWith(own.id, 'bob')).status, 200);
    const [another, unknown] = [await callWith(own.id), await callWith('9b3e4567-e89b-12d3-a456-426614174000')];
    assert.equal(another.status, 404);
    assert.deepEqual(another.body, unknown.body);
    const member = { authorization: `Bearer ${await stack.sign({ roles: ['member'] })}` };
    assert.equal((await ask('GET', `/personas/${own.id}`, undefined, member)).status, 404);
    assert.equal((await ask('GET', `/personas/${own.id}`, undefined, { ...member, 'x-user-id': 'bob' })).status, 200);
  });

  it('lists page by page, with filters', async () => {
    const all = await ask('GET', '/personas');
    assert.equal(all.body.total, all.body.personas.length);
    assert.deepEqual([all.body.limit, all.body.offset], [100, 0]);
    const page = await ask('GET', '/personas?limit=1&offset=1');
    assert.deepEqual(page.body, {
      personas: [all.body.personas[1]],
      total: all.body.total,
      limit: 1,
      offset: 1,
    });
    const inactive = await ask('GET', '/personas?is_active=false');
    const actives = (answer: { body: { personas: { is_active: boolean }[] } }) =>
      new Set(answer.body.personas.map(({ is_active }) => is_active));
    assert.deepEqual([actives(inactive), actives(all)], [new Set([false]), new Set([true])]);
    const everyones = await ask('GET', '/personas?all_users=true');
    const names = (answer: { body: { personas: { name: string }[] } }) => answer.body.personas.map(({ name }) => name);
    assert.ok(names(everyones).includes('For Bob') && !names(all).includes('For Bob'));
    const member = { authorization: `Bearer ${await stack.sign({ roles: ['member'] })}` };
    assert.equal((await ask('GET', '/personas?all_users=true', undefined, member)).status, 403);
  });

  it('refuses to change personas that YAML owns', async () => {
    const { body } = await ask('GET', '/personas');
    const owned = body.personas.find(({ managed_by }: { managed_by: string | null }) => managed_by !== null);
    for (const [method, change] of [
      ['PUT', pirate],
      ['PATCH', { is_active: false }],
      ['DELETE', undefined],
    ] as const) {
      const { status, body: problem } = await ask(method, `/personas/${owned.id}`, change);
      assert.deepEqual([status, problem.error.code], [409, 'owned_by_resource'], method);
      assert.ok(problem.error.message.includes(owned.managed_by), problem.error.message);
    }
    assert.deepEqual((await ask('GET', `/personas/${owned.id}`)).body, owned);
  });

  it('refuses bad input, naming the field', async () => {
    const { body: taken } = await ask('POST', '/personas', { ...pirate, name: 'Taken' });
    const other = await ask('POST', '/personas', { ...pirate, name: 'Other' });
    const table: readonly (readonly [string, string, unknown, number, string | null, RegExp])[] = [
      ['POST', '/personas', { ...pirate, name: 'Taken' }, 409, 'name', /name "Taken" already exists/],
      ['PATCH', `/personas/${other.body.id}`, { name: 'Taken' }, 409, 'name', /already exists/],
      ['POST', '/personas', { name: 'X' }, 400, 'content', /content is required/],
      ['POST', '/personas', { ...pirate, name: ' ' }, 400, 'name', /name must not be blank/],
      ['POST', '/personas', { ...pirate, name: 7 }, 400, 'name', /name must be a string/],
      ['POST', '/personas', { ...pirate, nmae: 'x' }, 400, 'nmae', /nmae is not a known field/],
      ['POST', '/personas', { ...pirate, name: 'Y', user_id: 'a', users: ['b'] }, 400, 'users', /users must not/],
      ['POST', '/personas', { ...pirate, name: 'Z', parameters: { model: 'x' } }, 400, 'parameters.model', /request/],
      [
        'POST',
        '/personas',
        { ...pirate, name: 'Hot', parameters: { top_k: 1, temperature: 'hot' } },
        400,
        'parameters.temperature',
        /^Error processing request: parameters\.temperature must be a number from 0 to 2, not "hot"$/,
      ],
      [
        'PUT',
        `/personas/${taken.id}`,
        { ...pirate, name: 'Taken', parameters: { reasoning: { effort: 3 } } },
        400,
        'parameters.reasoning.effort',
        /^Error processing request: parameters\.reasoning\.effort must be a string that is not empty, not 3$/,
      ],
      [
        'PATCH',
        `/personas/${taken.id}`,
        { parameters: { stop: 7 } },
        400,
        'parameters.stop',
        /a list of strings, not 7/,
      ],
      ['POST', '/personas', '{', 400, null, /Error processing request/],
      ['POST', '/personas', '[]', 400, null, /the body must be a JSON object/],
      ['POST', '/personas', undefined, 400, null, /the body/],
      ['GET', '/personas?limit=0', undefined, 400, 'limit', /limit must be at least 1/],
      ['GET', '/personas?offset=x', undefined, 400, 'offset', /offset must be a whole number/],
      ['GET', '/personas?is_active=perhaps', undefined, 400, 'is_active', /is_active must be true or false/],
      ['GET', '/personas/not-a-uuid', undefined, 404, 'id', /not found or not accessible/],
      ['PUT', `/personas/9b3e4567-e89b-12d3-a456-426614174000`, pirate, 404, 'id', /not found or not accessible/],
    ];
    for (const [method, path, body, status, param, message] of table) {
      const answer = await ask(method, path, body);
      assert.equal(answer.status, status, `${method} ${path} ${JSON.stringify(answer.body)}`);
      assert.deepEqual(
        [answer.body.error.param, message.test(answer.body.error.message)],
        [param, true],
        JSON.stringify(answer.body),
      );
      assert.match(answer.headers.get('x-request-id') ?? '', /^req_/);
    }
    assert.equal((await ask('GET', `/personas/${taken.id}`)).body.name, 'Taken');
  });

  it('lets only an admin change anything', async () => {
    for (const role of ['member', 'analyst', 'reviewer']) {
      const as = { authorization: `Bearer ${await stack.sign({ roles: [role] })}` };
      const { status, body } = await ask('POST', '/personas', { ...pirate, name: role }, as);
      assert.deepEqual([status, body.error.code], [403, 'role_required']);
      assert.equal((await ask('GET', '/personas', undefined, as)).status, 200);
    }
  });

  it('answers 503 while the database is away, and changes nothing', async () => {
    await stack.database.stop();
    const { status, body } = await ask('POST', '/personas', { ...pirate, name: 'Late' });
    assert.deepEqual([status, body.error.code], [503, 'store_unavailable']);
    assert.equal((await ask('GET', '/personas')).status, 200);
    await stack.database.start();
    assert.equal((await ask('POST', '/personas', { ...pirate, name: 'Late' })).status, 201);
  });
});
