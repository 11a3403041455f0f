import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readToolCalls } from '../../../../proxy/providers/openai/tool-calls.ts';

const search = { type: 'web_search_call', status: 'completed', action: { type: 'search', queries: ['a', 'b'] } };
const tool = (type: string) => ({ tools: [{ type }] });

const table: readonly (readonly [string, object, object, Readonly<Record<string, number>>])[] = [
  ['searches', { ...tool('web_search'), output: [search, search] }, {}, { web_search: 2 }],
  ['searches by a dated tool', { ...tool('web_search_2025_08_26'), output: [search] }, {}, { web_search: 1 }],
  [
    'searches by the preview',
    { ...tool('web_search_preview_2025_03_11'), output: [search] },
    {},
    { web_search_preview: 1 },
  ],
  ['searches by what was asked for', { output: [search] }, tool('web_search'), { web_search: 1 }],
  ['searches by who knows what', { output: [search] }, {}, { web_search_call: 1 }],
  ['pages that were opened', { ...tool('web_search'), output: [{ ...search, action: { type: 'open_page' } }] }, {}, {}],
  ['a search that failed', { ...tool('web_search'), output: [{ ...search, status: 'failed' }] }, {}, {}],
  [
    'searches as the response says they are billed',
    { ...tool('web_search'), output: [search], tool_usage: { web_search: { num_requests: 3 } } },
    {},
    { web_search: 3 },
  ],
  [
    'searches that are not billed',
    { ...tool('web_search'), output: [search], tool_usage: { web_search: { num_requests: 0 } } },
    {},
    {},
  ],
  [
    'containers, each once',
    {
      output: [
        { type: 'code_interpreter_call', container_id: 'a' },
        { type: 'code_interpreter_call', container_id: 'a' },
        { type: 'code_interpreter_call', container_id: 'b' },
        { type: 'shell_call', environment: { type: 'container_reference', container_id: 'a' } },
      ],
    },
    {},
    { code_interpreter: 2, shell: 1 },
  ],
  [
    'what the caller does',
    {
      output: [
        { type: 'message' },
        { type: 'reasoning' },
        { type: 'function_call' },
        { type: 'custom_tool_call' },
        { type: 'mcp_call' },
        { type: 'shell_call', environment: { type: 'local' } },
      ],
    },
    {},
    {},
  ],
  [
    'files, images and what is new',
    { output: [{ type: 'file_search_call' }, { type: 'image_generation_call' }, { type: 'time_travel_call' }] },
    {},
    { file_search: 1, image_generation: 1, time_travel: 1 },
  ],
];
for (const [what, response, body, expected] of table) {
  test(`of tools are counted: ${what}`, () => {
    const calls = readToolCalls({ ...response }, { ...body });
    assert.deepEqual(Object.fromEntries(calls.map(({ type, count }) => [type, count])), expected);
  });
}

test('reading a response of any shape counts tool calls or none', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (output, tools) => {
      for (const { count } of readToolCalls({ output, tools, tool_usage: output }, { tools })) assert.ok(count > 0);
    }),
  );
});
