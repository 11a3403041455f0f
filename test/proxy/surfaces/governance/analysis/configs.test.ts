import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../../../../scope.ts';
import { type Stack, startStack } from '../../../../stack.ts';

import { type Ask, makeAsk } from '../ask.ts';

const config = { analysis_type: 'topic', categories: [{ name: 'sports' }, { name: 'politics' }] };
const topics = { name: 'Topics of the day', description: 'For the news', config };

describe('/v1/analysis/configs', () => {
  const scope = suiteScope();
  let stack: Stack;
  let ask: Ask;
  before(async () => {
    stack = await startStack(scope);
    ask = makeAsk(stack);
  });

  it('saves one, finds it by id and by name, and changes it', async () => {
    const made = await ask('POST', '/analysis/configs', topics);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { id, organization_id, created_at, updated_at, config: shown, ...rest } = made.body;
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.ok(id !== organization_id && created_at === updated_at);
    assert.deepEqual(rest, {
      name: topics.name,
      description: 'For the news',
      is_active: true,
      managed_by: null,
    });
    assert.deepEqual([shown.analysis_type, shown.model, shown.temperature], ['topic', 'gpt-4o-mini', 0.3]);
    assert.deepEqual((await ask('GET', `/analysis/configs/${id}`)).body, made.body);
    assert.deepEqual((await ask('GET', `/analysis/configs/${id.toUpperCase()}`)).body, made.body);
    const byName = await ask('GET', `/analysis/configs/by-name/${encodeURIComponent(topics.name)}`);
    assert.deepEqual(byName.body, made.body);

    const patched = await ask('PATCH', `/analysis/configs/${id}`, { name: 'Topics' });
    assert.deepEqual([patched.body.name, patched.body.description], ['Topics', 'For the news']);
    assert.deepEqual(patched.body.config, shown);
    const put = await ask('PUT', `/analysis/configs/${id}`, { name: 'Topics', config: { ...config, temperature: 1 } });
    assert.deepEqual([put.status, put.body.description, put.body.config.temperature], [200, null, 1]);
    assert.ok(put.body.updated_at > updated_at);
    assert.equal((await ask('GET', `/analysis/configs/by-name/${encodeURIComponent(topics.name)}`)).status, 404);
  });

  it('finds a config by a name with any characters', async () => {
    for (const name of ['a/b?c=d#e %2F', '😀'.repeat(200), '顧客'.repeat(100)]) {
      const { body: made } = await ask('POST', '/analysis/configs', { ...topics, name });
      const found = await ask('GET', `/analysis/configs/by-name/${encodeURIComponent(name)}`);
      assert.deepEqual(found.body, made, name);
    }
  });

  it('lists configs of YAML beside its own, page by page', async () => {
    for (const name of ['List 1', 'List 2']) await ask('POST', '/analysis/configs', { ...topics, name });
    const { body: all } = await ask('GET', '/analysis/configs');
    const names: string[] = all.configs.map(({ name }: { name: string }) => name);
    assert.deepEqual(names, [...names].sort());
    assert.ok(names.includes('Support Intent') && names.includes('List 1'));
    assert.deepEqual([all.total, all.limit, all.offset], [names.length, 100, 0]);
    const { body: page } = await ask('GET', '/analysis/configs?limit=1&offset=1');
    assert.deepEqual([page.configs, page.total], [[all.configs[1]], all.total]);
    const { body: beyond } = await ask('GET', '/analysis/configs?offset=1000');
    assert.deepEqual([beyond.configs, beyond.total], [[], all.total]);
  });

  it('shows configs that YAML owns, and refuses to change them', async () => {
    const { body: yaml } = await ask('GET', '/analysis/configs/by-name/Support%20Intent');
    assert.equal(yaml.managed_by, 'AnalysisConfig default/support-intent');
    assert.equal(yaml.config.confidence_threshold, null);
    for (const [method, body] of [
      ['PUT', topics],
      ['PATCH', { is_active: false }],
      ['DELETE', undefined],
    ] as const) {
      const refused = await ask(method, `/analysis/configs/${yaml.id}`, body);
      assert.deepEqual([refused.status, refused.body.error.code], [409, 'owned_by_resource'], method);
      assert.match(refused.body.error.message, /AnalysisConfig default\/support-intent/);
    }
    const taken = await ask('POST', '/analysis/configs', { ...topics, name: yaml.name });
    assert.deepEqual([taken.status, taken.body.error.code, taken.body.error.param], [409, 'name_taken', 'name']);
  });

  it('deletes one that was never used, and deactivates one that was', async () => {
    const { body: unused } = await ask('POST', '/analysis/configs', { ...topics, name: 'Unused' });
    const gone = await ask('DELETE', `/analysis/configs/${unused.id}`);
    assert.deepEqual([gone.status, gone.body.deleted, gone.body.deactivated], [200, true, false]);
    for (const method of ['GET', 'DELETE']) {
      assert.equal((await ask(method, `/analysis/configs/${unused.id}`)).status, 404, method);
    }
    // Its name is free again.
    const { body: used } = await ask('POST', '/analysis/configs', { ...topics, name: 'Unused' });

    const called = await ask('POST', '/responses', { model: 'gpt-4o', input: 'Who won?' });
    const analyze = () => ask('POST', '/analysis', { id: called.body.id, config_id: used.id });
    assert.equal((await analyze()).status, 200);
    const retired = await ask('DELETE', `/analysis/configs/${used.id}`);
    assert.deepEqual([retired.body.deleted, retired.body.deactivated], [false, true]);
    assert.match(retired.body.message, /has been used/);
    const refused = await analyze();
    assert.deepEqual([refused.status, refused.body.error.code], [404, 'analysis_config_not_found']);
    const { body: inactive } = await ask('GET', '/analysis/configs?is_active=false');
    assert.deepEqual(
      inactive.configs.map(({ id, is_active }: { id: string; is_active: boolean }) => [id, is_active]),
      [[used.id, false]],
    );
    await ask('PATCH', `/analysis/configs/${used.id}`, { is_active: true });
    assert.equal((await analyze()).body.cached, true);
  });

  it('refuses bad input, naming the field', async () => {
    const { body: made } = await ask('POST', '/analysis/configs', { ...topics, name: 'Bad' });
    const twice = { ...config, categories: [{ name: 'a' }, { name: 'a' }] };
    const table: readonly (readonly [string, string, unknown, number, string])[] = [
      ['POST', '', {}, 400, 'name'],
      ['POST', '', { name: 'x' }, 400, 'config'],
      ['POST', '', { ...topics, name: 'x'.repeat(201) }, 400, 'name'],
      ['POST', '', { ...topics, name: 'x', config: { analysis_type: 'topic' } }, 400, 'config.categories'],
      ['POST', '', { ...topics, name: 'x', config: twice }, 400, 'config.categories[1].name'],
      ['POST', '', { ...topics, name: 'x', config: { ...config, custom_prompt: '{x}' } }, 400, 'config.custom_prompt'],
      ['POST', '', { ...topics, name: 'x', owner: 'me' }, 400, 'owner'],
      ['POST', '', { ...topics, name: 'Bad' }, 409, 'name'],
      ['PATCH', `/${made.id}`, { config: twice }, 400, 'config.categories[1].name'],
      ['PATCH', `/${made.id}`, { is_active: 'no' }, 400, 'is_active'],
      ['PUT', `/${made.id}`, { name: 'x' }, 400, 'config'],
      ['PATCH', `/${made.id}`, { name: 'Support Intent' }, 409, 'name'],
      ['GET', '/00000000-0000-4000-8000-000000000000', undefined, 404, 'id'],
      ['GET', '/none', undefined, 404, 'id'],
      ['GET', '/by-name/none', undefined, 404, 'name'],
      ['GET', '/by-name/%00', undefined, 404, 'name'],
      ['GET', '?limit=0', undefined, 400, 'limit'],
      ['GET', '?is_active=perhaps', undefined, 400, 'is_active'],
    ];
    for (const [method, path, body, status, param] of table) {
      const answer = await ask(method, `/analysis/configs${path}`, body);
      const got = [answer.status, answer.body.error?.param];
      assert.deepEqual(got, [status, param], `${method} ${path} ${JSON.stringify(body)}`);
    }
  });

  it('lets everyone read, and only an admin change anything', async () => {
    const { body: made } = await ask('POST', '/analysis/configs', { ...topics, name: 'Roles' });
    const as = { authorization: `Bearer ${await stack.sign({ roles: ['member'] })}` };
    assert.equal((await ask('GET', `/analysis/configs/${made.id}`, undefined, as)).status, 200);
    for (const [method, path, body] of [
      ['POST', '', { ...topics, name: 'x' }],
      ['PUT', `/${made.id}`, topics],
      ['PATCH', `/${made.id}`, { is_active: false }],
      ['DELETE', `/${made.id}`, undefined],
    ] as const) {
      const answer = await ask(method, `/analysis/configs${path}`, body, as);
      assert.deepEqual([answer.status, answer.body.error.code], [403, 'role_required'], method);
    }
  });
});
