import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { makeOpenAI } from '../../openai.ts';
import { suiteScope } from '../../scope.ts';
import { type ScriptedProvider, sendJson, sendStream, startScriptedProvider } from '../../scripted-provider.ts';
import { type Stack, startStack } from '../../stack.ts';
import { allowEveryModel } from '../allow-every-model.ts';
import { metricsOf, stateGuardrails } from './state-guardrails.ts';

const email = 'ana.silva@example.com';
const placeholder = /\[EMAIL_[0-9A-Z]+\]/;

/** Guardrails through the front door: a real operator, a real proxy, a scripted provider, and OpenAI's SDK. */
describe('guardrails', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let stack: Stack;
  let client: OpenAI;

  before(async () => {
    provider = await startScriptedProvider(scope);
    stack = await startStack(scope, { upstreamUrl: provider.url });
    await allowEveryModel(stack);
    client = makeOpenAI(stack);
  });

  /** The text that the provider got in the last call. */
  const sent = () => provider.requests.at(-1)?.text ?? '';

  describe('on the input', () => {
    /** Every way in, with a call that says the text. */
    const waysIn: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
      chat: (text) => client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: text }] }),
      'chat, in a part': (text) =>
        client.chat.completions.create({
          model: 'gpt-4o',
          messages: [{ role: 'user', content: [{ type: 'text', text }] }],
        }),
      'chat, split between two parts': (text) =>
        client.chat.completions.create({
          model: 'gpt-4o',
          messages: [
            {
              role: 'user',
              content: [
                { type: 'text', text: text.slice(0, -8) },
                { type: 'text', text: text.slice(-8) },
              ],
            },
          ],
        }),
      'chat, split between two messages': (text) =>
        client.chat.completions.create({
          model: 'gpt-4o',
          messages: [
            { role: 'user', content: text.slice(0, -8) },
            { role: 'user', content: text.slice(-8) },
          ],
        }),
      'chat, as instructions': (text) =>
        client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'developer', content: text }] }),
      'chat, in a tool result': (text) =>
        client.chat.completions.create({
          model: 'gpt-4o',
          messages: [{ role: 'tool', tool_call_id: 'call_1', content: text }],
        }),
      'chat, in the arguments of a tool': (text) =>
        client.chat.completions.create({
          model: 'gpt-4o',
          messages: [
            {
              role: 'assistant',
              tool_calls: [
                { id: 'call_1', type: 'function', function: { name: 'mail', arguments: JSON.stringify({ to: text }) } },
              ],
            },
          ],
        }),
      'chat, in the arguments of a tool, with escapes': (text) =>
        client.chat.completions.create({
          model: 'gpt-4o',
          messages: [
            {
              role: 'assistant',
              tool_calls: [
                {
                  id: 'call_1',
                  type: 'function',
                  function: { name: 'mail', arguments: JSON.stringify({ to: text }).replace('@', '\\u0040') },
                },
              ],
            },
          ],
        }),
      "chat, in a tool's description": (text) =>
        client.chat.completions.create({
          model: 'gpt-4o',
          messages: [{ role: 'user', content: 'Hi' }],
          tools: [{ type: 'function', function: { name: 'mail', description: text } }],
        }),
      'chat, in metadata': (text) =>
        client.chat.completions.create({
          model: 'gpt-4o',
          messages: [{ role: 'user', content: 'Hi' }],
          metadata: { note: text },
        }),
      responses: (text) => client.responses.create({ model: 'gpt-4o', input: text }),
      'responses, as instructions': (text) =>
        client.responses.create({ model: 'gpt-4o', input: 'Hi', instructions: text }),
      'responses, in an item': (text) =>
        client.responses.create({
          model: 'gpt-4o',
          input: [{ role: 'user', content: [{ type: 'input_text', text }] }],
        }),
      'responses, in a tool result': (text) =>
        client.responses.create({
          model: 'gpt-4o',
          input: [{ type: 'function_call_output', call_id: 'call_1', output: text }],
        }),
      'responses, in the arguments of a tool': (text) =>
        client.responses.create({
          model: 'gpt-4o',
          input: [{ type: 'function_call', call_id: 'call_1', name: 'mail', arguments: JSON.stringify({ to: text }) }],
        }),
      'responses, in a variable of a stored prompt': (text) =>
        client.responses.create({ model: 'gpt-4o', prompt: { id: 'pmpt_1', variables: { name: text } } }),
      completions: (text) => client.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: text }),
      'completions, in a list': (text) =>
        client.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: ['Hi', text] }),
      embeddings: (text) => client.embeddings.create({ model: 'text-embedding-3-small', input: text }),
      'embeddings, in a list': (text) =>
        client.embeddings.create({ model: 'text-embedding-3-small', input: ['Hi', text] }),
      moderations: (text) => client.moderations.create({ input: text }),
      images: (text) => client.images.generate({ model: 'gpt-image-1', prompt: text }),
      speech: (text) => client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: text }),
    };

    for (const [name, call] of Object.entries(waysIn)) {
      it(`refuses ${name}, by the name of the rule`, async () => {
        await stateGuardrails(stack, [{ name: 'mail', action: 'Block', pii: { kinds: ['email'] } }]);
        const before = provider.requests.length;
        const refused = await call(`Write to ${email}`).then(() => assert.fail('it passed'), raised);
        assert.deepEqual(
          [refused.status, refused.code, refused.message],
          [400, 'guardrail_blocked', '400 The guardrail "mail" (pii) of the organization does not let this call pass'],
        );
        assert.equal(provider.requests.length, before, 'nothing went upstream');
        await call('Write to nobody').catch(() => {});
        assert.equal(provider.requests.length, before + 1, 'a call without a match goes upstream');
      });

      it(`replaces in ${name}, before it goes upstream`, async () => {
        await stateGuardrails(stack, [{ name: 'mail', action: 'Redact', appliesTo: 'Input', pii: {} }]);
        provider.answer = (response) => sendJson(response, {});
        const before = provider.requests.length;
        await call(`Write to ${email} "now"`).catch(() => {});
        assert.equal(provider.requests.length, before + 1);
        assert.match(sent(), placeholder);
        assert.doesNotMatch(sent(), /silva|example\.com/);
        JSON.parse(sent());
      });
    }
  });

  it('only counts where the action is Report', async () => {
    await stateGuardrails(stack, [{ name: 'counted', action: 'Report', pii: {} }]);
    provider.answer = (response) => sendJson(response, completion(`I wrote to ${email}`));
    const answer = await client.chat.completions.create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: `Write to ${email}` }],
    });
    assert.equal(answer.choices[0]?.message.content, `I wrote to ${email}`);
    assert.ok(sent().includes(email));
    const metrics = await metricsOf(stack);
    for (const side of ['Input', 'Output']) {
      assert.match(
        metrics,
        new RegExp(
          `chaperone_guardrail_hits_total\\{[^}]*rule="counted",detector="pii",side="${side}",action="Report"[^}]*\\} 1`,
        ),
      );
    }
  });

  it('gives a caller the own values back, where the rule restores them', async () => {
    await stateGuardrails(stack, [{ name: 'mail', action: 'Redact', restore: true, pii: {} }]);
    provider.answer = (response, { body }) => {
      const found = placeholder.exec(JSON.stringify(body))?.[0] ?? 'none';
      return sendJson(response, completion(`${found} has mail, and other@example.org`));
    };
    const answer = await client.chat.completions.create({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: `Write to ${email}` }],
    });
    const said = answer.choices[0]?.message.content ?? '';
    assert.match(said, new RegExp(`^${email} has mail, and \\[EMAIL_\\w+\\]$`));
  });

  describe('gives the own values back in a stream, however it cuts the placeholder', () => {
    before(() => stateGuardrails(stack, [{ name: 'mail', action: 'Redact', restore: true, pii: {} }]));
    const asked = `Write to ${email}`;
    const answerBy = (events: (text: string) => string[]) => {
      provider.answer = (response, { body }) => {
        const found = placeholder.exec(JSON.stringify(body))?.[0] ?? 'none';
        return sendStream(response, events(`${found} has mail`));
      };
    };

    it('of a chat', async () => {
      answerBy((text) => [...chunksOf(text), 'data: [DONE]\n\n']);
      const messages = [{ role: 'user' as const, content: asked }];
      let said = '';
      for await (const chunk of await client.chat.completions.create({ model: 'gpt-4o', stream: true, messages })) {
        said += chunk.choices[0]?.delta.content ?? '';
      }
      assert.equal(said, `${email} has mail`);
      assert.match(sent(), placeholder);
    });

    it('of a response', async () => {
      answerBy(responseEventsOf);
      const stream = client.responses.stream({ model: 'gpt-4o', input: asked });
      let said = '';
      stream.on('response.output_text.delta', ({ delta }) => {
        said += delta;
      });
      assert.equal((await stream.finalResponse()).output_text, `${email} has mail`);
      assert.equal(said, `${email} has mail`);
      assert.match(sent(), placeholder);
    });
  });

  it('refuses an answer, and accounts for it', async () => {
    await stateGuardrails(stack, [{ name: 'mail', action: 'Block', appliesTo: 'Output', pii: {} }]);
    provider.answer = (response) => sendJson(response, completion(`Ask ${email}`));
    const refused = await client.chat.completions
      .create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] })
      .then(() => assert.fail('it passed'), raised);
    assert.deepEqual([refused.status, refused.code], [400, 'guardrail_blocked']);
  });

  it('ends a stream with an error where a rule blocks', async () => {
    await stateGuardrails(stack, [{ name: 'mail', action: 'Block', appliesTo: 'Output', pii: {} }]);
    provider.answer = (response) => sendStream(response, [...chunksOf(`Ask ${email} now`), 'data: [DONE]\n\n']);
    const stream = await client.chat.completions.create({
      model: 'gpt-4o',
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    let said = '';
    const refused = await (async () => {
      for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? '';
      return assert.fail('it passed');
    })().catch(raised);
    assert.equal(said, 'Ask ');
    assert.equal(refused.code, 'guardrail_blocked');
  });

  it('replaces in a stream', async () => {
    await stateGuardrails(stack, [{ name: 'mail', action: 'Redact', appliesTo: 'Output', pii: {} }]);
    provider.answer = (response) => sendStream(response, [...chunksOf(`Ask ${email} now`), 'data: [DONE]\n\n']);
    const stream = await client.chat.completions.create({
      model: 'gpt-4o',
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    let said = '';
    for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? '';
    assert.match(said, /^Ask \[EMAIL_\w+\] now$/);
  });
});

function raised(error: unknown) {
  assert.ok(error instanceof OpenAI.APIError, String(error));
  const { status, code, message } = error;
  return { status, code, message };
}

function completion(content: string): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-4o',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 },
  };
}

/** A stream of the text, a character in each event. */
function chunksOf(text: string): string[] {
  const chunk = (delta: object, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'gpt-4o', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  return [...text].map((content) => chunk({ content })).concat(chunk({}, 'stop'));
}

function responseEventsOf(text: string): string[] {
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const part = (said: string) => ({ type: 'output_text', text: said, annotations: [] });
  const item = (content: object[]) => ({ id: 'msg_1', type: 'message', role: 'assistant', content });
  const response = (output: object[]) => ({ id: 'resp_1', object: 'response', model: 'gpt-4o', output });
  return [
    { type: 'response.created', response: { ...response([]), status: 'in_progress' } },
    { type: 'response.output_item.added', output_index: 0, item: item([]) },
    { type: 'response.content_part.added', ...place, part: part('') },
    ...[...text].map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    { type: 'response.output_text.done', ...place, text },
    { type: 'response.content_part.done', ...place, part: part(text) },
    { type: 'response.output_item.done', output_index: 0, item: item([part(text)]) },
    { type: 'response.completed', response: { ...response([item([part(text)])]), status: 'completed' } },
  ].map((event, sequence_number) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`);
}
