import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAnswerText } from '../../../../../proxy/governance/insights/review/answer-text.ts';

const cases: readonly (readonly [title: string, answer: object, text: string, tools?: readonly unknown[]])[] = [
  [
    'a response',
    {
      output: [
        { type: 'reasoning', summary: [{ text: 'Hm' }] },
        {
          type: 'message',
          content: [
            { type: 'output_text', text: 'Hello, ' },
            { type: 'output_text', text: 'Ada' },
          ],
        },
        { type: 'message', content: [{ type: 'refusal', refusal: 'No' }] },
        { type: 'function_call', name: 'buy', arguments: '{"what":"all"}' },
      ],
    },
    'Hello, Ada\n\nNo',
    [{ name: 'buy', arguments: '{"what":"all"}' }],
  ],
  [
    'a chat with two choices',
    {
      choices: [
        { message: { role: 'assistant', content: 'One' } },
        { message: { content: null, tool_calls: [{ type: 'function', function: { name: 'buy', arguments: '{}' } }] } },
      ],
    },
    'One',
    [{ name: 'buy', arguments: '{}' }],
  ],
  ['a completion', { choices: [{ text: 'One' }, { text: 'Two' }] }, 'One\n\nTwo'],
  [
    'a message',
    {
      content: [
        { type: 'thinking', thinking: 'Hm' },
        { type: 'text', text: 'Hello' },
        { type: 'tool_use', name: 'buy', input: { what: 'all' } },
      ],
    },
    'Hello',
    [{ name: 'buy', arguments: { what: 'all' } }],
  ],
  ['nothing', { output: [] }, ''],
];

for (const [title, answer, text, toolCalls = []] of cases) {
  test(`reviewers read ${title}`, () => assert.deepEqual(readAnswerText({ ...answer }), { text, toolCalls }));
}
