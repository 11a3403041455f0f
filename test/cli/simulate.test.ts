import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { parse, parseDocument } from 'yaml';
import { readSimulation, runSimulation, type SimulateOptions } from '../../cli/simulate.ts';
import { makeDirectory } from '../directories.ts';
import { commandOf } from '../program.ts';
import { type GovernedStack, startGovernedStack } from '../proxy/quota/governed-stack.ts';
import { cliEnvironment, collect, runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

/** The changed rules. Speech is priced by characters, so its bound is what it costs. */
const changed = `
models: {allow: ["gpt-4o*", tts-1]}
surfaces: [chat, responses, audio]
limits:
  - {name: calls-of-each, per: User, match: {models: ["gpt-4o*"]}, requests: {count: 2, window: 24h}}
  - {name: seen, per: User, requests: {count: 2, window: 24h}, action: Report}
budgets:
  - {name: speech, match: {operations: [speech]}, amountUsd: "0.00079"}
tiers: [{users: [eve], tier: free}]
`;

interface Made {
  readonly user: string;
  readonly path: string;
  readonly body: object;
}

const chat = (model: string) => ({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 20 });
const speech = { model: 'tts-1', voice: 'alloy', input: 'ten chars.' };
const calls: readonly Made[] = ['ada', 'bob', 'ada', 'ada', 'bob', 'ada', 'eve', 'ada'].flatMap((user, at): Made[] => [
  { user, path: '/chat/completions', body: chat(at % 4 === 3 ? 'gpt-4.1' : 'gpt-4o-mini') },
  { user, path: '/audio/speech', body: speech },
  ...(at % 3 === 0 ? [{ user, path: '/embeddings', body: { model: 'text-embedding-3-small', input: 'Hi' } }] : []),
]);

interface Rule {
  readonly code: string;
  readonly name: string | null;
  readonly calls: number;
  readonly users: Readonly<Record<string, number>>;
  readonly decided_by: readonly { readonly field: string }[];
}

describe('chaperone simulate', () => {
  const scope = suiteScope();
  let stack: GovernedStack;
  let directory: string;
  let file: string;

  const make = async ({ user, path, body }: Made) => {
    const response = await fetch(`${stack.baseUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': user, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return { isMade: response.ok, code: response.ok ? '' : String(JSON.parse(text).error.code), user };
  };
  const recorded = async () => (await stack.owner.query('select count(*)::int as n from chaperone.requests')).rows[0].n;
  const simulate = (...options: string[]) =>
    runCli(['simulate', '--since', '1h', ...options, '--database-url-file', join(directory, 'url')]);
  /** As the command does it, without a process for each. */
  const simulateJson = async (changes: string, options: Partial<SimulateOptions> = {}) => {
    const all = { file: changes, since: '1h', output: 'json', ...options } as const;
    const simulation = readSimulation(all, await readFile(changes, 'utf8'));
    return JSON.parse(await runSimulation({ databaseUrlFile: join(directory, 'url') }, all, simulation, false));
  };
  /** The Organization in force with other fields. */
  const write = async (name: string, yaml: string, change: (text: string) => string = (text) => text) => {
    const document = parseDocument(await readFile(join(stack.directory, 'organization.yaml'), 'utf8'));
    for (const [field, value] of Object.entries(parse(yaml) ?? {})) document.setIn(['spec', field], value);
    await writeFile(join(directory, name), change(document.toString()));
    return join(directory, name);
  };

  before(async () => {
    [stack, directory] = await Promise.all([startGovernedStack(scope), makeDirectory(scope)]);
    await writeFile(join(directory, 'url'), stack.database.url);
    await stack.state('limits: []');
    for (const call of calls) assert.equal((await make(call)).code, '');
    await until(async () => (await recorded()) === calls.length, 'all calls to be recorded');
    file = await write('changed.yaml', changed);
  });

  it('finds nothing where nothing changes', async () => {
    const told = await simulateJson(await write('same.yaml', ''));
    assert.deepEqual([told.calls, told.refused.calls, told.changes], [calls.length, 0, []]);
    assert.equal(told.cost.simulated_usd, told.cost.recorded_usd);
    assert.ok(told.cost.recorded_usd > 0);
  });

  it('refuses what the changed Organization then refuses', async () => {
    const told = await simulateJson(file);
    assert.equal(told.calls, calls.length);
    await stack.state(changed);
    const really = new Map<string, number>();
    let refused = 0;
    for (const call of calls) {
      const { code, isMade } = await make(call);
      if (isMade) continue;
      refused += 1;
      really.set(`${code} ${call.user}`, (really.get(`${code} ${call.user}`) ?? 0) + 1);
    }
    const simulated = new Map<string, number>();
    for (const { code, users } of told.refused.rules as readonly Rule[]) {
      for (const [user, count] of Object.entries(users)) {
        simulated.set(`${code} ${user}`, (simulated.get(`${code} ${user}`) ?? 0) + count);
      }
    }
    assert.deepEqual(Object.fromEntries([...simulated].sort()), Object.fromEntries([...really].sort()));
    assert.equal(told.refused.calls, refused);
    assert.ok(refused > 5 && refused < calls.length, `${refused}`);
    const fields = (told.refused.rules as readonly Rule[]).map(({ decided_by: [decider] }) => decider?.field);
    assert.deepEqual(fields.sort(), ['spec.budgets[0]', 'spec.limits[0]', 'spec.models.allow', 'spec.surfaces']);
    assert.equal(told.reported[0].decided_by[0].field, 'spec.limits[1]');
  });

  it('says the same over HTTP, to admins', async () => {
    const resources = await readFile(file, 'utf8');
    const until = new Date().toISOString();
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const post = async (body: object, roles: readonly string[] = ['admin']) => {
      const response = await fetch(`${stack.baseUrl}/simulate`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await stack.sign({ user: 'root', roles })}`,
          ...{ 'x-user-id': 'root', 'content-type': 'application/json' },
        },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: JSON.parse(await response.text()) };
    };
    const told = await post({ resources, since, until });
    assert.equal(told.status, 200, JSON.stringify(told.body));
    assert.deepEqual(told.body, await simulateJson(file, { since, until }));
    const { body: ofEve } = await post({ resources, since, until, user_id: 'eve', model: 'tts-1' });
    assert.equal(ofEve.calls, 1);
    for (const [body, param, message] of [
      [{ resources: 'kind: [' }, 'resources', /^Error processing request: resources:1: /],
      [{ resources: 'kind: Pod' }, 'resources', /has no Organization "acme" and no ApiKeyBinding/],
      [{ resources: resources.replace('count: 2', 'count: 0') }, 'resources', /resources:\d+: spec\.limits\[0\]/],
      [{ resources, since: 'soon' }, 'since', /since must be such as 7d/],
      [{ resources, since: '1h', until: '2020-01-01' }, 'since', /is not before until 2020-01-01/],
    ] as const) {
      const { status, body: refused } = await post(body);
      assert.deepEqual([status, refused.error.param], [400, param], JSON.stringify(refused));
      assert.match(refused.error.message, message);
    }
    assert.equal((await post({ resources }, ['analyst'])).body.error.code, 'role_required');
  });

  it('begins with what is in force', async () => {
    const headers = { authorization: `Bearer ${await stack.sign({ user: 'root', roles: ['admin'] })}` };
    const response = await fetch(`${stack.baseUrl}/organization`, { headers: { ...headers, 'x-user-id': 'root' } });
    const { yaml, resource } = (await response.json()) as { yaml: string; resource: object };
    assert.deepEqual(parse(yaml), resource);
    await writeFile(join(directory, 'in-force.yaml'), yaml);
    assert.deepEqual((await simulateJson(join(directory, 'in-force.yaml'))).changes, []);
  });

  it('prices the calls by the routes, names and prices of the changed Organization', async () => {
    const { rows: models } = await stack.owner.query(
      "select distinct model from chaperone.requests where requested_model = 'gpt-4.1'",
    );
    const answered: string = models[0].model;
    const renamed = await write(
      'renamed.yaml',
      `
      models: {}
      surfaces: [chat, audio, embeddings]
      limits: []
      budgets: []
      providers: [{name: openai, type: openai, models: [{name: "gpt-4o*", as: gpt-4o}, {name: "*"}]}]
      prices: [{model: ${answered}, inputPerMillion: "0", outputPerMillion: "1000"}]`,
    );
    const told = await simulateJson(renamed, { until: new Date().toISOString() });
    const { rows } = await stack.owner.query(
      `select sum(input_tokens * 2.5e-6 + output_tokens * 10e-6) filter (where requested_model like 'gpt-4o%')::float8 as mini,
         sum(output_tokens * 1e-3) filter (where requested_model = 'gpt-4.1')::float8 as other,
         sum(cost_usd) filter (where operation = 'speech')::float8 as speech
       from chaperone.requests`,
    );
    const costs = Object.fromEntries(
      told.by_model.map(({ model, simulated_usd: usd }: { model: string; simulated_usd: number }) => [model, usd]),
    );
    const [expected] = rows;
    for (const [model, usd] of [
      ['gpt-4o-mini', expected.mini],
      ['gpt-4.1', expected.other],
      ['tts-1', expected.speech],
    ]) {
      assert.ok(Math.abs(costs[model] - usd) < 1e-8, `${model}: ${costs[model]} instead of ${usd}`);
    }
  });

  it('reports one user or one model, with the limits of all', async () => {
    const { calls: ofBob } = await simulateJson(file, { user: 'bob' });
    assert.ok(ofBob > 0 && ofBob < calls.length);
    const told = await simulateJson(file, { model: 'tts-1' });
    assert.deepEqual(
      told.by_model.map(({ model }: { model: string }) => model),
      ['tts-1'],
    );
  });

  it('counts one call as one', async () => {
    const { stdout } = await simulate('-f', file, '--user', 'eve', '--model', 'tts-1');
    assert.match(stdout, /: 1 recorded call of user eve for model tts-1\n/);
  });

  it('shows people what changes, what is refused by what, and what is left out', async () => {
    const guarded = await write(
      'guarded.yaml',
      `${changed}guardrails: [{name: words, action: Block, words: {words: [secret]}}]`,
    );
    const { stdout } = await simulate('-f', guarded);
    assert.match(stdout, /^Organization acme, .* recorded calls\n/);
    assert.match(stdout, /spec\.guardrails: \(none\) → /);
    assert.match(stdout, /would be refused/);
    assert.match(stdout, /Organization\/acme spec\.limits\[0\] +calls-of-each +limit_reached +\d+/);
    assert.match(stdout, /\nUSER +CALLS +REFUSED/);
    assert.match(
      stdout,
      /Left out: Guardrails that are new or differ need the texts of calls, which are sealed: \d+ calls\./,
    );
  });

  it('says whose answers a new guardrail would hold, and which calls it would refuse in their place', async () => {
    const rule = '{name: persons, action: Review, match: {users: [eve]}, words: {words: [secret]}}';
    const heldOf = async (name: string, yaml: string) => {
      const told = await simulateJson(await write(name, yaml));
      return (told.left_out as { what: string; calls: number }[]).filter(({ what }) => what.includes('"persons"'));
    };
    const held = 'The guardrail "persons", where it finds something, would hold the answer until a person releases it';
    const refused =
      'The guardrail "persons", where it finds something, would refuse the call, since no such answer can be held';
    const { rows } = await stack.owner.query(
      `select count(*) filter (where operation = 'chat')::int as chats, count(*)::int as "all"
       from chaperone.requests join chaperone.users using (organization_id, user_id) where external_id = 'eve'`,
    );
    const [{ chats, all }] = rows;
    assert.ok(chats > 0 && chats < all);
    const open = `{guardrails: [${rule}], models: {}, surfaces: [chat, audio, embeddings], limits: [], budgets: [], tiers: []`;
    assert.deepEqual(await heldOf('held.yaml', `${open}}`), [
      { what: held, calls: chats },
      { what: refused, calls: all - chats },
    ]);
    const unheld = await heldOf('unheld.yaml', `${open}, storage: {contents: None}}`);
    assert.deepEqual(unheld, [{ what: refused, calls: all }]);
    const { stdout } = await simulate('-f', join(directory, 'held.yaml'));
    assert.ok(stdout.includes(`Left out: ${held}: ${chats} call`), stdout);
  });

  it('reads from an input that does not end, as in a pod', async () => {
    const child = spawn(
      process.execPath,
      commandOf(
        ...['simulate', '-f', '-', '--since', '1h', '-o', 'json', '--database-url-file', join(directory, 'url')],
      ),
      { stdio: ['pipe', 'pipe', 'inherit'], env: cliEnvironment },
    );
    const stdout = collect(child.stdout);
    child.stdin.write(`${await readFile(file, 'utf8')}\n...\n`);
    const [code] = await once(child, 'close');
    assert.equal(code, 0);
    assert.ok(JSON.parse(stdout()).refused.calls > 0);
  });

  it('writes nothing', async () => {
    const tables = ['requests', 'quota_counters', 'quota_leases', 'organizations', 'config_versions'];
    const sizes = async () => {
      const found: unknown[] = [];
      for (const table of tables) {
        found.push(
          (
            await stack.owner.query(
              `select md5(coalesce(string_agg(t::text, ',' order by t::text), '')) from chaperone.${table} t`,
            )
          ).rows[0],
        );
      }
      return found;
    };
    await until(async () => {
      const first = await sizes();
      await simulate('-f', file);
      return JSON.stringify(await sizes()) === JSON.stringify(first);
    }, 'a simulation between two equal states');
  });

  it('counts what the cache answered as a request alone', async () => {
    await stack.state('cache: {}');
    const [since, before] = [new Date().toISOString(), await recorded()];
    const call = { user: 'zoe', path: '/chat/completions', body: chat('gpt-4o-mini') };
    for (const made of [await make(call), await make(call)]) assert.equal(made.code, '');
    await until(async () => (await recorded()) === before + 2, 'both calls to be recorded');
    const poor = await write(
      'poor.yaml',
      `cache: {}
budgets: [{name: nothing, amountUsd: "0.0000000001"}]
limits: [{name: two, requests: {count: 2, window: 24h}}]`,
    );
    const options = ['-f', poor, '--since', since, '--output', 'json', '--database-url-file', join(directory, 'url')];
    // By the command itself, whose JSON is what the others have.
    const told = JSON.parse((await runCli(['simulate', ...options])).stdout);
    assert.deepEqual(Object.keys(await simulateJson(poor, { since })), Object.keys(told));
    assert.deepEqual([told.calls, told.refused.calls], [2, 1]);
    assert.deepEqual([told.refused.rules[0].code, told.cost.simulated_usd], ['insufficient_quota', 0]);
  });

  it('asks for the models that changed aliases stand for, at their prices', async () => {
    await stack.state('models: {aliases: [{name: fast, model: gpt-4o-mini, levels: {quality: gpt-4o}}]}');
    const [since, before] = [new Date().toISOString(), await recorded()];
    for (const level of ['speed', 'quality']) {
      const response = await fetch(`${stack.baseUrl}/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'x-optimization-level': level },
        body: JSON.stringify(chat('fast')),
      });
      assert.equal(response.status, 200, await response.text());
    }
    await until(async () => (await recorded()) === before + 2, 'both calls to be recorded');
    const told = async (models: string) => simulateJson(await write('aliases.yaml', `models: ${models}`), { since });
    const same = await told('{aliases: [{name: fast, model: gpt-4o-mini, levels: {quality: gpt-4o}}]}');
    assert.deepEqual([same.calls, same.moved, same.changes], [2, {}, []]);
    assert.equal(same.cost.simulated_usd, same.cost.recorded_usd);
    const other = await told('{aliases: [{name: fast, model: gpt-4.1-nano, levels: {quality: gpt-4o}}]}');
    assert.deepEqual(other.moved, { 'gpt-4o-mini → gpt-4.1-nano': 1 });
    const { rows } = await stack.owner.query(
      `select sum(input_tokens * 0.1e-6 + output_tokens * 0.4e-6) filter (where optimization_level = 'speed')::float8 as nano,
         sum(cost_usd) filter (where optimization_level = 'quality')::float8 as quality
       from chaperone.requests where model_alias = 'fast'`,
    );
    const [{ nano, quality }] = rows;
    assert.ok(Math.abs(other.cost.simulated_usd - nano - quality) < 1e-8, `${other.cost.simulated_usd}`);
    const gone = await told('{allow: ["gpt-*"], ceilings: [{name: short, maxOutputTokens: 5}]}');
    assert.deepEqual([gone.refused.calls, gone.refused.rules[0].code], [2, 'model_not_allowed']);
    const bounded = await told(
      '{aliases: [{name: fast, model: gpt-4o}], ceilings: [{name: short, maxOutputTokens: 5}]}',
    );
    assert.match(bounded.left_out[0].what, /^Ceilings that are new or differ/);
    assert.equal(bounded.left_out[0].calls, 2);
  });

  const mistakes: readonly (readonly [name: string, yaml: string, message: RegExp, options?: readonly string[]])[] = [
    [
      'a field that is wrong',
      'limits: [{name: x, requests: {count: 0, window: 1h}}]',
      /wrong\.yaml:\d+: spec\.limits\[0\]\.requests\.count .*greater than or equal to 1$/m,
    ],
    ['a field that is unknown', 'limit: []', /spec\.limit/],
    ['a time that cannot be read', '', /--since must be such as 7d/, ['--since', 'soon']],
    ['a period that ends before', '', /is not before/, ['--until', '2020-01-01']],
    ['another organization', '', /wrong\.yaml has no Organization "other"/, ['--organization', 'other']],
  ];
  for (const [name, yaml, message, options = []] of mistakes) {
    it(`names ${name}`, async () => {
      const { code, stderr } = await simulate('-f', await write('wrong.yaml', yaml), ...options);
      assert.notEqual(code, 0);
      assert.match(stderr, message);
    });
  }
});
