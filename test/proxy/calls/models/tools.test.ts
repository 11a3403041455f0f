import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findTools, makeToolRule } from '../../../../proxy/calls/models/tools.ts';

const called = (name: string) => ({ type: 'function', function: { name } });

const given: readonly (readonly [operation: string, body: object, names: readonly string[], param?: string])[] = [
  ['chat', { tools: [called('a')] }, ['a'], 'tools[0]'],
  ['chat', { tools: [{ type: 'custom', custom: { name: 'a' } }] }, ['a']],
  ['chat', { functions: [{ name: 'a' }] }, ['a'], 'functions[0]'],
  ['chat', { web_search_options: {} }, ['web_search'], 'web_search_options'],
  ['chat', { web_search_options: null, tools: null }, []],
  ['responses', { tools: [{ type: 'function', name: 'a' }] }, ['a']],
  ['responses', { tools: [{ type: 'custom', name: 'a' }] }, ['a']],
  ['responses', { tools: [{ type: 'web_search' }] }, ['web_search']],
  [
    'responses',
    { tools: [{ type: 'web_search_preview_2025_03_11' }] },
    ['web_search_preview_2025_03_11', 'web_search_preview', 'web_search'],
  ],
  ['responses', { tools: [{ type: 'mcp', server_label: 'docs' }] }, ['mcp/docs', 'mcp']],
  [
    'responses',
    { tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'function', name: 'a' }] }] },
    ['a'],
    'tools[0].tools[0]',
  ],
  ['responses', { input: [{ type: 'additional_tools', tools: [{ type: 'shell' }] }] }, ['shell'], 'input[0].tools[0]'],
  ['responses', { input: [{ type: 'mcp_list_tools', tools: [{ name: 'a' }] }] }, []],
  ['responses', { input: 'tools' }, []],
  ['messages', { tools: [{ name: 'a', input_schema: {} }] }, ['a']],
  ['messages', { tools: [{ type: 'bash_20250124', name: 'bash' }] }, ['bash_20250124', 'bash']],
  ['messages', { tools: [{ type: 'mcp_toolset', mcp_server_name: 'docs' }] }, ['mcp/docs', 'mcp']],
  ['messages', { mcp_servers: [{ type: 'url', name: 'docs' }] }, ['mcp/docs', 'mcp'], 'mcp_servers[0]'],
  ['responses', { tools: ['web_search'] }, ['']],
  ['embeddings', { tools: [called('a')] }, []],
];
for (const [operation, body, names, param] of given) {
  test(`the tools of ${operation}: ${JSON.stringify(body)}`, () => {
    const found = findTools(operation, JSON.parse(JSON.stringify(body)));
    assert.deepEqual(
      found.flatMap((tool) => tool.names),
      names,
    );
    if (param !== undefined) assert.equal(found[0]?.param, param);
  });
}

const ruled: readonly (readonly [
  allow: string[] | undefined,
  deny: string[] | undefined,
  names: string[],
  why?: string,
])[] = [
  [undefined, ['a'], ['b']],
  [undefined, ['a'], ['a'], 'denies it'],
  [['a*'], undefined, ['ab']],
  [['a*'], undefined, ['b'], 'does not name it'],
  [['a*'], ['ab'], ['ab'], 'denies it'],
  [['*'], ['mcp'], ['mcp/docs', 'mcp'], 'denies it'],
  [['mcp/docs'], undefined, ['mcp/docs', 'mcp']],
  [['web_search'], undefined, ['web_search_20250305', 'web_search']],
  [['a'], undefined, [''], 'does not name it'],
];
for (const [allow, deny, names, why] of ruled) {
  test(`allow ${allow}, deny ${deny}: ${names} ${why ?? 'passes'}`, () => {
    assert.equal(makeToolRule(allow, deny)({ names, param: 'tools[0]' }), why);
  });
}
