import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type OpenAI from 'openai';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { makeOpenAI } from '../openai.ts';
import { recordOf } from '../recorded-call.ts';
import { suiteScope } from '../scope.ts';
import { type ScriptedProvider, sendJson, startScriptedProvider } from '../scripted-provider.ts';
import { type Stack, startStack } from '../stack.ts';

import { allowEveryModel } from './allow-every-model.ts';

const endless = Number.MAX_SAFE_INTEGER;

/** What a provider tells is not believed beyond all measure, and the call is accounted for all the same. */
describe('a provider that reports more tokens than a call can have', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  let client: OpenAI;
  let database: Client;

  before(async () => {
    provider = await startScriptedProvider(scope);
    stack = await startStack(scope, { upstreamUrl: provider.url });
    client = makeOpenAI(stack);
    database = await connect(scope, stack.database.url);
    await allowEveryModel(stack);
  });

  const answers: Readonly<Record<string, readonly [answer: object, call: () => Promise<{ response: Response }>]>> = {
    'in a chat': [
      {
        id: 'chatcmpl-1',
        object: 'chat.completion',
        model: 'gpt-4o',
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 11, completion_tokens: endless - 11, total_tokens: endless },
      },
      () =>
        client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] }).withResponse(),
    ],
    'in a response': [
      {
        id: 'resp_1',
        object: 'response',
        status: 'completed',
        model: 'gpt-4o',
        output: [],
        usage: { input_tokens: endless - 3, output_tokens: 3, total_tokens: endless },
      },
      () => client.responses.create({ model: 'gpt-4o', input: 'Hi' }).withResponse(),
    ],
  };
  for (const [title, [answer, call]] of Object.entries(answers)) {
    it(title, async () => {
      provider.answer = (response) => sendJson(response, answer);
      const { response } = await call();
      const record = await recordOf(database, response.headers.get('x-request-id'));
      assert.deepEqual([record.status, record.total_tokens, record.cost_usd], ['completed', null, null]);
    });
  }

  it('is counted, and the sums continue', async () => {
    const metrics = await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`).then((answer) => answer.text());
    assert.match(metrics, /chaperone_implausible_usage_total\{[^}]*\} 1/);
    const usage = await fetch(`${stack.baseUrl}/analytics/models`, {
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' },
    });
    assert.equal(usage.status, 200, await usage.text());
  });
});
