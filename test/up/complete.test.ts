import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { parse } from 'yaml';
import { skip, startChromium } from '../chromium.ts';
import { repository } from '../directories.ts';
import { freePort } from '../free-port.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { onlyOrganization, type RunningUp, startUp } from './start-up.ts';

interface Status {
  readonly conditions: readonly Readonly<Record<'type' | 'status' | 'reason' | 'message', string>>[];
}

/** The Organization with every kind of rule, against the sandbox. */
describe('chaperone up examples/complete', () => {
  const scope = suiteScope();
  let up: RunningUp;
  let client: OpenAI;
  before(async () => {
    up = await startUp(scope, { directory: `${repository}/examples/complete` });
    const { baseUrl, token } = onlyOrganization(up);
    client = new OpenAI({ baseURL: baseUrl, apiKey: token, defaultHeaders: { 'X-User-ID': 'ada' }, maxRetries: 0 });
  });

  const ask = (content: string) =>
    client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content }] }).withResponse();

  it('has nothing to complain about', async () => {
    assert.equal(up.errors(), '');
    const [file = ''] = globSync('state/status/**/globex*', { cwd: up.data });
    const { conditions } = parse(await readFile(join(up.data, file), 'utf8')) as Status;
    const untrue = conditions.filter(({ type, status }) => status !== 'True' && type !== 'DatabaseLimited');
    // Models are trained in a cluster, and this is one machine.
    assert.deepEqual(
      untrue.map(({ reason }) => reason),
      ['TrainingNeedsCluster'],
    );
    const types = conditions.map(({ type }) => type);
    for (const type of [
      'RoutesComplete',
      'ModelsEffective',
      'RulesEffective',
      'GuardrailsUsable',
      'CacheEffective',
      'ArticlesReady',
      'KnowledgeBaseEffective',
      'SupportEffective',
      'WebhooksDeliverable',
      'DeprecationsEffective',
    ])
      assert.ok(types.includes(type), type);
  });

  it('answers, and says by which provider and how much is left', async () => {
    const { data, response } = await ask('Where is my parcel?');
    assert.match(data.choices[0]?.message.content ?? '', /Where is my parcel\?/);
    assert.match(response.headers.get('x-chaperone-provider') ?? '', /^(primary|canary)$/);
    // That of the user, or that of everyone, of which a worker has a part for the vectors of articles.
    assert.match(response.headers.get('x-ratelimit-limit-requests') ?? '', /^(600|5000)$/);
    assert.match(response.headers.get('x-ratelimit-remaining-tokens') ?? '', /^\d+$/);
  });

  it('finds the articles of its folder, also by what they mean', async () => {
    const { baseUrl, token } = onlyOrganization(up);
    const headers = { authorization: `Bearer ${token}`, 'x-user-id': 'ada', 'content-type': 'application/json' };
    const answer = await fetch(new URL('/api/v1/knowledge-base/search', baseUrl), {
      ...{ method: 'POST', headers, body: JSON.stringify({ query: 'how do I pair lamps' }) },
    });
    // biome-ignore lint/suspicious/noExplicitAny: of the article, only the title matters
    const { results, ranked_by: rankedBy, fallback } = (await answer.json()) as any;
    assert.deepEqual([results[0].title, rankedBy, fallback], ['Pair a lamp with the app', 'words_and_vectors', null]);
  });

  it('calls models by their aliases, and holds what calls may ask for', async () => {
    const level = { headers: { 'X-Optimization-Level': 'speed' } };
    const body = { model: 'support', messages: [{ role: 'user' as const, content: 'Hi' }], max_tokens: 20_000 };
    const { response } = await client.chat.completions.create(body, level).withResponse();
    assert.equal(response.headers.get('x-chaperone-model'), 'gpt-4.1-nano');
    assert.equal(response.headers.get('x-chaperone-lowered'), 'max_tokens=16000;by="answers"');
    const tools = [{ type: 'function' as const, function: { name: 'get_secret' } }];
    await assert.rejects(client.chat.completions.create({ ...body, tools }), { code: 'tool_not_allowed', status: 403 });
  });

  it('keeps personal data from the provider, and gives the caller the own values back', async () => {
    const { data } = await ask('Write to ana.silva@example.com');
    assert.match(data.choices[0]?.message.content ?? '', /ana\.silva@example\.com/);
    const { calls } = JSON.parse(await (await fetch(up.ready.upstream.replace(/\/v1$/, '/sandbox/calls'))).text());
    const last = await (await fetch(up.ready.upstream.replace(/\/v1$/, `/sandbox/calls/${calls.at(-1).id}`))).text();
    assert.match(last, /\[EMAIL_/);
    assert.doesNotMatch(last, /silva/);
  });

  it('refuses a key in a text, by the name of the rule', async () => {
    await assert.rejects(ask(`My key is ${['ghp', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('_')}`), (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.deepEqual([error.status, error.code], [400, 'guardrail_blocked']);
      assert.match(error.message, /"no-keys"/);
      return true;
    });
  });

  it('replays an answer to an equal call', async () => {
    const asked = (headers: Record<string, string> = {}) =>
      client.chat.completions
        .create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'When do you open?' }] }, { headers })
        .withResponse();
    // A call may go to either of two providers, and each has its own answers.
    const first = await asked();
    assert.equal(first.response.headers.get('x-cache'), 'miss');
    const again = await until(async () => {
      const later = await asked();
      return later.response.headers.get('x-cache') === 'hit' && later;
    });
    assert.match(again.data.choices[0]?.message.content ?? '', /When do you open\?/);
    assert.match(again.response.headers.get('age') ?? '', /^\d+$/);
    assert.equal((await asked({ 'cache-control': 'no-cache' })).response.headers.get('x-cache'), 'miss');
  });

  it('answers customers with the voice and the words of its support desk', async () => {
    const { baseUrl, token } = onlyOrganization(up);
    const say = async (message: string) => {
      const answer = await fetch(new URL('/api/v1/conversations', baseUrl), {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ message, user_id: 'customer_1' }),
      });
      // biome-ignore lint/suspicious/noExplicitAny: fields of the contract
      return (await answer.json()) as any;
    };
    const answered = await say('How do I pair a lamp with the app?');
    assert.deepEqual([answered.escalated, answered.status], [false, 'active'], JSON.stringify(answered));
    assert.match(answered.response, /Add device/);
    const handed = await say('I want to talk to a human');
    assert.match(handed.response, /Sure! A colleague of Globex will go on with you here\.$/);
    assert.match(handed.assigned_agent, /^agent_[12]$/);
  });

  it('lets pages of its origin alone use its public key', async () => {
    const ask = async (origin: string) => {
      const url = new URL(`/api/v1/conversations/conv_${'0'.repeat(24)}`, onlyOrganization(up).baseUrl);
      const authorization = 'Bearer pk_globex_example_for_pages_on_this_machine';
      return (await fetch(url, { headers: { authorization, origin } })).status;
    };
    assert.deepEqual([await ask('http://localhost:3000'), await ask('https://other.example.com')], [404, 403]);
  });

  it('has a chat at the page of examples/widget', { skip }, async (test) => {
    const { origin } = new URL(onlyOrganization(up).baseUrl);
    const port = await freePort();
    const site = spawn(process.execPath, [join(repository, 'examples', 'widget', 'serve.mjs')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { CHAPERONE_URL: origin, PORT: String(port) },
    });
    test.after(() => site.kill());
    await once(site.stdout, 'data');
    // The key is for this origin, and its port may be in use.
    const browser = await startChromium(test, [`--host-resolver-rules=MAP localhost:3000 127.0.0.1:${port}`]);
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    await page.goto('http://localhost:3000/');
    await page.locator('.launcher').click();
    await page.locator('.field').fill('I forgot my password');
    await page.locator('.field').press('Enter');
    await page.locator('.sources', { hasText: 'Reset your password' }).waitFor();
    await page.locator('.bubble', { hasText: 'Choose Forgot password on the login page' }).waitFor();
    assert.deepEqual(complaints, []);
  });

  it('would not have refused a call by itself', async () => {
    const file = `${repository}/examples/complete/organization.yaml`;
    const simulate = () => runCli(['simulate', '-f', file, '--since', '1d', '--data', up.data, '-o', 'json']);
    // Those of the worker, too, which made vectors of articles for nobody.
    const { stdout } = await until(async () => {
      const ended = await simulate();
      return JSON.parse(ended.stdout).analyses > 0 && ended;
    }, 'the records of the vectors');
    assert.equal(JSON.parse(stdout).refused.calls, 0, stdout);
  });

  it('shows what is used', async () => {
    const show = async (kind: string) => (await runCli(['get', kind, '--data', up.data])).stdout;
    assert.match(await show('limits'), /each-user/);
    assert.match(await show('budgets'), /a-day-of-a-user/);
  });
});
