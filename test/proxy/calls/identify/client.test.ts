import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeReadClient } from '../../../../proxy/calls/identify/client.ts';

const read = makeReadClient();
const shown = (headers: Record<string, string>) => {
  const client = read(headers);
  return client && [client.name, client.version];
};

test('the first product of User-Agent names the client', () => {
  const table: readonly (readonly [string, string | undefined, string?])[] = [
    ['OpenAI/Python 1.2.3', 'OpenAI/Python', '1.2.3'],
    ['AsyncOpenAI/Python 2.15.0', 'AsyncOpenAI/Python', '2.15.0'],
    ['OpenAI/JS 7.57.0', 'OpenAI/JS', '7.57.0'],
    ['AsyncAzureOpenAI/Python 2.0.0-alpha.1', 'AsyncAzureOpenAI/Python', '2.0.0-alpha.1'],
    ['OpenAI/Go 1.3.0', 'OpenAI/Go', '1.3.0'],
    ['OpenAI/2.1.0 (.NET 8.0.1; Linux)', 'OpenAI', '2.1.0'],
    ['codex_cli_rs/0.171.0 (Ubuntu 24.4.0; x86_64) xterm-256color', 'codex_cli_rs', '0.171.0'],
    ['ai-sdk/openai/2.0.30 ai-sdk/provider-utils/3.0.8 runtime/node.js/22', 'ai-sdk/openai', '2.0.30'],
    ['ai/5.0.1 ai-sdk/openai/2.0.30', 'ai', '5.0.1'],
    ['langchainjs-openai/1.0.0 ((node/v22.1.0; linux; x64))', 'langchainjs-openai', '1.0.0'],
    ['codex_exec/0.171.0 (Debian 12.0.0; x86_64) unknown (codex_exec; 0.171.0)', 'codex_exec', '0.171.0'],
    ['Agents/JavaScript 0.20.0', 'Agents/JavaScript', '0.20.0'],
    ['ai/7.0.173 ai-sdk-provider-utils/5.0.81 node.js/26', 'ai', '7.0.173'],
    ['OpenAI/NodeJS/3.3.0', 'OpenAI/NodeJS', '3.3.0'],
    ['opencode/1.18', 'opencode', '1.18'],
    ['@openai/agents/0.20.1', '@openai/agents', '0.20.1'],
    ['curl/8.5.0', 'curl', '8.5.0'],
    ['some_tool/v1.2', 'some_tool', '1.2'],
    ['python-requests/2.32.3', 'python-requests', '2.32.3'],
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'Mozilla', '5.0'],
    ['node', 'node'],
    ['Agents', 'Agents'],
    ['My Tool', 'My'],
    ['tool<script>alert(1)</script>/1.0', 'tool'],
    ['tool/1.0\u00e4', 'tool', '1.0'],
    ['', undefined],
    ['   ', undefined],
    ['(no product)', undefined],
    ['"quoted"', undefined],
    ['\u00e4hm/1.0', undefined],
  ];
  for (const [agent, name, version] of table) {
    assert.deepEqual(shown({ 'user-agent': agent }), name && [name, version], agent);
    // The second time it is remembered.
    assert.deepEqual(shown({ 'user-agent': agent }), name && [name, version], agent);
  }
  assert.equal(shown({}), undefined);
});

test('the name and the version of a client are cut at a maximum length', () => {
  for (const agent of [
    'a'.repeat(100_000),
    `${'a/'.repeat(50_000)}1`,
    `a/${'1'.repeat(100_000)}`,
    '/'.repeat(100_000),
  ]) {
    const [name = '', version = ''] = shown({ 'user-agent': agent }) ?? [];
    assert.ok(name.length <= 64 && version.length <= 32, agent.slice(0, 10));
  }
});

test('the SDK’s own headers name the client where User-Agent names only an HTTP library or a browser', () => {
  const sdk = { 'x-stainless-lang': 'js', 'x-stainless-package-version': '7.57.0' };
  assert.deepEqual(shown({ 'user-agent': 'Mozilla/5.0 (X11)', ...sdk }), ['OpenAI/JS', '7.57.0']);
  assert.deepEqual(shown({ 'user-agent': 'python-httpx/0.28.1', ...sdk, 'x-stainless-lang': 'python' }), [
    'OpenAI/Python',
    '7.57.0',
  ]);
  assert.deepEqual(shown(sdk), ['OpenAI/JS', '7.57.0']);
  assert.deepEqual(shown({ 'x-stainless-lang': 'go' }), ['OpenAI/Go', undefined]);
  assert.deepEqual(shown({ 'user-agent': 'codex_cli_rs/0.171.0', ...sdk }), ['codex_cli_rs', '0.171.0']);
  assert.deepEqual(shown({ 'user-agent': 'OpenAI/JS 4.5', ...sdk }), ['OpenAI/JS', '4.5']);
  assert.deepEqual(shown({ 'user-agent': 'axios/1.7', 'x-stainless-lang': '__proto__' }), ['axios', '1.7']);
  assert.equal(shown({ 'x-stainless-lang': 'cobol' }), undefined);
});
