import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readConversation } from '../../../../proxy/governance/analyses/conversation.ts';

const response = (...output: object[]) => ({ object: 'response', output });
const message = (...content: object[]) => ({ type: 'message', role: 'assistant', content });
const completion = (fields: object) => ({ object: 'chat.completion', choices: [{ index: 0, message: fields }] });

const table: readonly (readonly [string, object, object | null, string, string])[] = [
  [
    'a response to a text',
    { input: 'Hi', instructions: 'Be secret' },
    response({ type: 'reasoning', summary: [] }, message({ type: 'output_text', text: 'Hello' })),
    'Hi',
    'Hello',
  ],
  [
    'a response to items: the user’s alone, texts alone',
    {
      input: [
        { role: 'developer', content: 'Be secret' },
        { role: 'user', content: 'One' },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Before' }] },
        { type: 'function_call_output', call_id: 'c', output: 'tool' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'Two' },
            { type: 'input_image', image_url: 'data:' },
          ],
        },
      ],
    },
    response(message({ type: 'output_text', text: 'A' }, { type: 'output_text', text: 'B' })),
    'One\n\nTwo',
    'A\n\nB',
  ],
  ['a response that refuses', { input: 'Hi' }, response(message({ type: 'refusal', refusal: 'No.' })), 'Hi', 'No.'],
  ['a response that calls a tool', { input: 'Hi' }, response({ type: 'function_call', arguments: '{}' }), 'Hi', ''],
  [
    'a chat',
    {
      messages: [
        { role: 'system', content: 'Be secret' },
        { role: 'user', content: 'One' },
        { role: 'assistant', content: 'Before' },
        { role: 'tool', content: 'tool' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Two' },
            { type: 'image_url', image_url: {} },
          ],
        },
      ],
    },
    completion({ role: 'assistant', content: 'Hello' }),
    'One\n\nTwo',
    'Hello',
  ],
  [
    'a chat that refuses',
    { messages: [{ role: 'user', content: 'Hi' }] },
    completion({ content: null, refusal: 'No.' }),
    'Hi',
    'No.',
  ],
  ['a completion', { prompt: 'Once' }, { object: 'text_completion', choices: [{ text: ' upon' }] }, 'Once', ' upon'],
  ['a completion of several prompts', { prompt: ['One', 'Two'] }, null, 'One\n\nTwo', ''],
  ['no answer', { input: 'Hi' }, null, 'Hi', ''],
  ['an error', { input: 'Hi' }, { error: { message: 'Overloaded' } }, 'Hi', ''],
  ['tokens to embed', { input: [[1, 2], [3]] }, { data: [] }, '', ''],
];
for (const [what, request, answer, userInput, aiResponse] of table) {
  test(`reads ${what}`, () => {
    assert.deepEqual(readConversation({ ...request }, answer && { ...answer }), { userInput, aiResponse });
  });
}

test('takes whatever is stored', () => {
  const anything = fc.dictionary(fc.constantFrom('input', 'messages', 'prompt', 'output', 'choices'), fc.jsonValue());
  fc.assert(
    fc.property(anything, fc.option(anything), (request, answer) => {
      const { userInput, aiResponse } = readConversation(request, answer);
      assert.equal(typeof userInput + typeof aiResponse, 'stringstring');
    }),
  );
});
