import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import OpenAI from 'openai';
import { Client } from 'pg';
import { renderUsage } from '../cli/usage/render.ts';
import { readSpending } from '../database/analytics/spending.ts';
import { makeAsk } from './proxy/surfaces/governance/ask.ts';
import { startStack } from './stack.ts';
import { until } from './until.ts';

const readme = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');

test('the README shows the figures that its steps produce', async (t) => {
  const stack = await startStack(t, { ownProcess: true });
  const ask = makeAsk(stack);
  const user = { 'x-user-id': 'you@example.com' };
  await ask('POST', '/responses', { model: 'gpt-4o-mini', input: 'Hello!' }, user);
  const apiKey = await stack.sign({ user: 'you@example.com' });
  await new OpenAI({ baseURL: stack.baseUrl, apiKey }).responses.create({ model: 'gpt-4o-mini', input: 'Hello!' });
  // The README's steps use the first entry of a list.
  const firstOf = async (path: string, list: string) => (await ask('GET', path, undefined, user)).body[list][0].id;
  const persona_id = await firstOf('/personas', 'personas');
  await ask('POST', '/responses', { input: 'Hello!', persona_id }, user);
  const input = 'A billing inquiry: why was I charged twice?';
  const asked = await ask('POST', '/responses', { model: 'gpt-4o-mini', input }, user);
  const config_id = await firstOf('/analysis/configs', 'configs');
  const analysis = await ask('POST', '/analysis', { id: asked.body.id, config_id }, user);
  assert.equal(analysis.body.primary_category, 'billing_inquiry');

  const models = await fetch(`${stack.baseUrl}/analytics/models`, {
    headers: { authorization: `Bearer ${stack.token}`, ...user },
  });
  const told = await models.text();
  const shown = /^ {4}(\{"models".*) \.\.\.\n {5}(.*) \.\.\.$/m.exec(readme) ?? assert.fail('no sample of analytics');
  assert.ok(told.startsWith(shown[1] ?? '-') && told.includes(shown[2] ?? '-'), told);

  const samples = [...readme.matchAll(/^ {4}(chaperone_cost_usd_total\{.*)$/gm)].map(([, line]) => line);
  const metrics = await (await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`)).text();
  assert.deepEqual(
    metrics.split('\n').filter((line) => line.startsWith('chaperone_cost_usd_total')),
    samples,
  );

  const owner = new Client({ connectionString: stack.database.url });
  await owner.connect();
  const rows = await until(async () => {
    const { rows } = await owner.query({
      text: `select kind, model, status, input_tokens, output_tokens, cost_usd from chaperone.requests order by started_at`,
      rowMode: 'array',
    });
    return rows.length === 5 && rows;
  }, 'the records');
  const spending = { organization: null, firstDay: '1970-01-01', lastDay: '9999-12-31', kind: null } as const;
  const usage = await readSpending(owner, 'organization', spending);
  const printed = renderUsage({ by: 'organization', filter: spending, rows: usage }, 'table').split('\n');
  assert.deepEqual(
    [...readme.matchAll(/^ {4}((?:ORGANIZATION|acme|TOTAL) .*\d?)$/gm)]
      .map(([, line = '']) => line.trimEnd())
      .slice(-3),
    printed.slice(0, 3),
  );
  await owner.end();
  const table = [...readme.matchAll(/^ {5}((?:call|analysis) +\|.*)$/gm)].map(([, line = '']) =>
    line.split('|').map((cell) => cell.trim()),
  );
  assert.deepEqual(rows, table);
});
