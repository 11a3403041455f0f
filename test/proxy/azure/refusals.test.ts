import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import { suiteScope } from '../../scope.ts';
import { type Answer, sendJson } from '../../scripted-provider.ts';
import { type Routed, startRouted } from '../routing/providers.ts';

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
};
const serves: Answer = (answered) => sendJson(answered, completion);
const refuses =
  (status: number, error: object, headers: Readonly<Record<string, string>> = {}): Answer =>
  (answered) =>
    answered.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ error }));

/** @see https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter */
const filtered = {
  message: 'The response was filtered due to the prompt triggering content management policy.',
  type: null,
  param: 'prompt',
  code: 'content_filter',
  status: 400,
  innererror: { code: 'ResponsibleAIPolicyViolation', content_filter_result: { hate: { filtered: true } } },
};

describe('what Azure refuses', () => {
  const scope = suiteScope();
  let routed: Routed<'azure' | 'spare'>;

  before(async () => {
    const models = [{ name: 'gpt-*' }];
    routed = await startRouted(scope, {
      providers: { azure: { type: 'azure', priority: 0, models }, spare: { priority: 1, models } },
      bindings: { azure: { provider: 'azure' }, spare: { provider: 'spare' } },
    });
  });
  beforeEach(() => {
    routed.forget();
    routed.providers.spare.answer = serves;
  });

  const ask = (model: string) =>
    routed.client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] }).withResponse();

  it('for its filters reaches the client whole, and no other provider is asked', async () => {
    routed.providers.azure.answer = refuses(400, filtered);
    await assert.rejects(ask('gpt-4o'), { status: 400, code: 'content_filter', error: filtered });
    assert.deepEqual(routed.counts(), { azure: 1, spare: 0 });
  });

  it('for the rate goes to another provider, and for as long as Azure asks so do the next calls', async () => {
    const busy = { code: '429', message: 'Requests have exceeded the rate limit of your deployment.' };
    routed.providers.azure.answer = refuses(429, busy, { 'retry-after-ms': '600000', 'retry-after': '600' });
    const first = await ask('gpt-4.1');
    assert.equal(first.response.headers.get('x-chaperone-failed-attempts'), 'azure rate_limited 429 429');
    const second = await ask('gpt-4.1');
    assert.equal(second.response.headers.get('x-chaperone-provider'), 'spare');
    assert.deepEqual(routed.counts(), { azure: 1, spare: 2 });
    // Of one deployment the rate says nothing about another.
    routed.providers.azure.answer = serves;
    assert.equal((await ask('gpt-4o-mini')).response.headers.get('x-chaperone-provider'), 'azure');
  });
});
