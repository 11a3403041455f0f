import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { startVendors, type Vendors } from './vendors.ts';

const model = 'claude-sonnet-4-6';
const messages = [{ role: 'user' as const, content: 'Hello' }];

/** One vendor stands in for another: each attempt speaks its own provider's API. */
describe('a provider of another vendor', () => {
  const scope = suiteScope();
  let vendors: Vendors;
  before(async () => {
    vendors = await startVendors(scope);
    const away = { name: 'anthropic', type: 'anthropic', baseUrl: 'http://127.0.0.1:9/v1', priority: 0 };
    const spare = { name: 'openai', type: 'openai', priority: 1, models: [{ name: 'claude-*', as: 'gpt-4o' }] };
    await vendors.edit({ providers: [away, spare], retries: { attempts: 3 } });
    await until(async () => {
      const answer = await vendors.openai.chat.completions.create({ model, messages }).catch(() => undefined);
      return answer?.model.startsWith('gpt-4o');
    }, 'the call to go on');
  });

  it('serves a message that the first cannot, whole', async () => {
    const message = await vendors.anthropic.messages.create({ model, max_tokens: 100, messages });
    assert.match(JSON.stringify(message.content), /\[sandbox gpt-4o\].*You said: Hello/);
    const row = await vendors.row(message._request_id);
    assert.deepEqual([row.operation, row.provider, row.status], ['messages', 'openai', 'completed']);
  });

  it('serves a message that the first cannot, as a stream', async () => {
    const message = await vendors.anthropic.messages.stream({ model, max_tokens: 100, messages }).finalMessage();
    assert.match(JSON.stringify(message.content), /\[sandbox gpt-4o\].*You said: Hello/);
  });
});
