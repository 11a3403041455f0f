import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { suiteScope } from '../../scope.ts';
import { startVendors, type Vendors } from '../anthropic/vendors.ts';
import { stateGuardrails } from './state-guardrails.ts';

const email = 'ana.silva@example.com';
const placeholder = /\[EMAIL_[0-9A-Z]+\]/;

/** Models of either vendor: Anthropic answers itself, and OpenAI's answers are carried into Anthropic's form. */
for (const model of ['claude-sonnet-4-6', 'gpt-4o']) {
  describe(`guardrails on Anthropic's Messages API, answered by ${model}`, () => {
    const scope = suiteScope();
    let vendors: Vendors;
    before(async () => {
      vendors = await startVendors(scope);
    });

    const say = (content: Anthropic.MessageParam['content'], more: object = {}) =>
      vendors.anthropic.messages.create({ model, max_tokens: 500, messages: [{ role: 'user', content }], ...more });
    const blocked = async (call: Promise<unknown>) => {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof Anthropic.APIError);
        assert.deepEqual([error.status, error.errorCode], [400, 'guardrail_blocked']);
        assert.doesNotMatch(JSON.stringify(error), /silva/);
        return true;
      });
    };

    const waysIn: Readonly<Record<string, () => Promise<unknown>>> = {
      'in a message': () => say(`Write to ${email}`),
      'split between two parts': () =>
        say([
          { type: 'text', text: 'Write to ana.sil' },
          { type: 'text', text: 'va@example.com' },
        ]),
      'in the system text': () => say('Hi', { system: `Write to ${email}` }),
      'in a part of the system text': () => say('Hi', { system: [{ type: 'text', text: `Write to ${email}` }] }),
      'in the input of a tool': () =>
        vendors.anthropic.messages.create({
          ...{ model, max_tokens: 500 },
          messages: [
            { role: 'user', content: 'Hi' },
            { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'mail', input: { to: email } }] },
            { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'sent' }] },
          ],
          tools: [{ name: 'mail', input_schema: { type: 'object' } }],
        }),
      'in the result of a tool': () =>
        vendors.anthropic.messages.create({
          ...{ model, max_tokens: 500 },
          messages: [
            { role: 'user', content: 'Hi' },
            { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'mail', input: {} }] },
            { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: `from ${email}` }] },
          ],
          tools: [{ name: 'mail', input_schema: { type: 'object' } }],
        }),
    };
    for (const [name, call] of Object.entries(waysIn)) {
      it(`refuse a text ${name}`, async () => {
        await stateGuardrails(vendors, [
          { name: 'mail', action: 'Block', match: { operations: ['messages'] }, pii: { kinds: ['email'] } },
        ]);
        await blocked(call());
      });

      it(`replace a text ${name}`, async () => {
        await stateGuardrails(vendors, [{ name: 'mail', action: 'Redact', appliesTo: 'Input', pii: {} }]);
        await call();
        const { body } = await vendors.sent();
        assert.match(JSON.stringify(body), placeholder);
        assert.doesNotMatch(JSON.stringify(body), /silva/);
      });
    }

    it('refuse an answer, and account for it', async () => {
      await stateGuardrails(vendors, [{ name: 'mail', action: 'Block', appliesTo: 'Output', pii: {} }]);
      await blocked(say(`Write to ${email}`));
    });

    it('end a stream with the error event of Messages', async () => {
      await stateGuardrails(vendors, [{ name: 'mail', action: 'Block', appliesTo: 'Output', pii: {} }]);
      const stream = await say(`Write to ${email} today`, { stream: true });
      let said = '';
      await assert.rejects(async () => {
        for await (const event of stream as unknown as AsyncIterable<Anthropic.MessageStreamEvent>) {
          if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') said += event.delta.text;
        }
      }, /guardrail \\"mail\\"/);
      assert.match(said, /You said: Write to ?$/);
    });

    it('replace in a stream, whose events stay whole', async () => {
      await stateGuardrails(vendors, [{ name: 'mail', action: 'Redact', appliesTo: 'Output', pii: {} }]);
      const messages = [{ role: 'user' as const, content: `Write to ${email} today` }];
      const message = await vendors.anthropic.messages.stream({ model, max_tokens: 500, messages }).finalMessage();
      const [block] = message.content;
      assert.match(block?.type === 'text' ? block.text : '', /You said: Write to \[EMAIL_\w+\] today/);
    });

    it('give a caller the own values back, in a stream, too', async () => {
      await stateGuardrails(vendors, [{ name: 'mail', action: 'Redact', restore: true, pii: {} }]);
      const messages = [{ role: 'user' as const, content: `Write to ${email} today` }];
      const message = await vendors.anthropic.messages.stream({ model, max_tokens: 500, messages }).finalMessage();
      assert.match(JSON.stringify((await vendors.sent()).body), placeholder);
      const [block] = message.content;
      assert.match(block?.type === 'text' ? block.text : '', /You said: Write to ana\.silva@example\.com today/);
    });
  });
}
