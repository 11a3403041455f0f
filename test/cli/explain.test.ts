import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { makeDirectory } from '../directories.ts';
import { type GovernedStack, startGovernedStack } from '../proxy/quota/governed-stack.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';

const hello = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] };

describe('chaperone explain', () => {
  const scope = suiteScope();
  let stack: GovernedStack;
  let directory: string;
  before(async () => {
    [stack, directory] = await Promise.all([startGovernedStack(scope), makeDirectory(scope)]);
    await writeFile(join(directory, 'url'), stack.database.url);
    await writeFile(join(directory, 'body.json'), JSON.stringify(hello));
  });

  const explain = async (...options: string[]) => {
    const { code, stdout, stderr } = await runCli([
      ...['explain', ...options],
      ...['--database-url-file', join(directory, 'url')],
    ]);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  };

  it('says the same as the proxy', async () => {
    await stack.state(`
      models: {deny: [o3]}
      limits: [{name: once, per: User, requests: {count: 1, window: 24h}}]`);
    for (const user of ['ada', 'bob']) {
      if (user === 'bob') await stack.client('bob').responses.create({ model: 'gpt-4o', input: 'Hi' });
      const told = JSON.parse(
        await explain('chat', '--user', user, '--body', join(directory, 'body.json'), '-o', 'json'),
      );
      const response = await fetch(`${stack.baseUrl}/explain`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'content-type': 'application/json' },
        body: JSON.stringify({ operation: 'chat', user_id: user, body: hello }),
      });
      const ofProxy: typeof told = await response.json();
      assert.equal(told.outcome, user === 'ada' ? 'allowed' : 'refused');
      assert.deepEqual([told.error?.code, told.decided_by], [ofProxy.error?.code, ofProxy.decided_by]);
      assert.deepEqual(
        told.steps.map(({ result }: { result: string }) => result),
        ofProxy.steps.map(({ result }: { result: string }) => result),
      );
    }
  });

  it('shows the steps, the rules, and the verdict with the field to change', async () => {
    const allowed = await explain('/v1/chat/completions', '--model', 'gpt-4o', '--user', 'ada');
    assert.match(allowed, /^chat of user ada, model gpt-4o, organization acme\n/);
    assert.match(allowed, /\nlimit once +User ada +requests +1 +0 +0 +1 +1 +pass +20/);
    assert.match(allowed, /ALLOWED: the call would go to the provider\.\n$/);
    const refused = await explain('chat', '--model', 'o3', '--user', 'ada');
    assert.match(refused, /\nmodels +refused +Organization\/acme spec\.models\.deny\[0\]/);
    assert.match(
      refused,
      /REFUSED: 403 model_not_allowed: .*\nDecided by Organization\/acme spec\.models\.deny\[0\]\.\n$/,
    );
  });

  it('resolves an alias by the level', async () => {
    await stack.state(
      `models: {aliases: [{name: fast, model: gpt-4.1, levels: {quality: gpt-4o, speed: gpt-4o-mini}}]}`,
    );
    for (const [level, model] of [
      ['quality', 'gpt-4o'],
      ['speed', 'gpt-4o-mini'],
    ] as const) {
      const told = JSON.parse(
        await explain('chat', '--model', 'fast', '--user', 'ada', '--level', level, '--output', 'json'),
      );
      assert.equal(told.model, model);
    }
  });

  it('judges the call of a pod by rules for its workload', async () => {
    await stack.state(`limits: [{name: webs, match: {workloads: [default/web]}, requests: {count: 1, window: 24h}}]`);
    for (const [workload, rules] of [
      ['default/web', ['webs']],
      ['default/job', []],
    ] as const) {
      const options = ['--model', 'gpt-4o', '--user', 'ada', '--workload', workload, '--output', 'json'];
      const told = JSON.parse(await explain('chat', ...options));
      assert.deepEqual(
        told.rules.map(({ name }: { name: string }) => name),
        rules,
      );
    }
  });

  const mistakes: readonly (readonly [options: readonly string[], message: RegExp])[] = [
    [['chats'], /operation must be one of responses, .*chat/],
    [['chat', '--organization', 'nobody'], /There is no organization "nobody" in the database/],
    [['chat', '--workload', 'a/b/c'], /--workload must be namespace\/name/],
    [['chat', '--body', '/dev/null'], /JSON/],
  ];
  for (const [options, message] of mistakes) {
    it(`refuses ${options.join(' ')}`, async () => {
      await assert.rejects(explain(...options), message);
    });
  }
});
