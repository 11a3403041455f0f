import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachOf } from '../../../proxy/cache/cacheable.ts';
import type { CacheableCall } from '../../../proxy/cache/cacheable-call.ts';

type Call = Pick<CacheableCall, 'operation' | 'effects' | 'hasReferences' | 'body'>;

const plain: Call = { operation: 'chat', effects: 'none', hasReferences: false, body: {} };
const pay = { type: 'function', function: { name: 'pay' } };

const cases: readonly (readonly [title: string, call: Partial<Call>, reach: string])[] = [
  ['a chat', {}, 'everywhere'],
  ['embeddings', { operation: 'embeddings' }, 'everywhere'],
  ['a batch', { operation: 'batches', effects: 'acts' }, 'nowhere'],
  ['a compaction', { operation: 'compact' }, 'nowhere'],
  ['a form of audio', { operation: 'transcriptions' }, 'everywhere'],
  ['a form of pictures', { operation: 'image_edits' }, 'nowhere'],
  ['what is stored', { effects: 'stores' }, 'nowhere'],
  ['what acts', { effects: 'acts' }, 'nowhere'],
  ['what refers to a file', { hasReferences: true }, 'nowhere'],
  ['a follow-up', { body: { previous_response_id: 'resp_1' } }, 'nowhere'],
  ['no follow-up', { body: { previous_response_id: null } }, 'everywhere'],
  ['a search', { body: { web_search_options: {} } }, 'nowhere'],
  ['a kept prompt', { body: { prompt: { id: 'pmpt_1' } } }, 'nowhere'],
  ['a prompt that is text', { operation: 'completions', body: { prompt: 'Hi' } }, 'everywhere'],
  ['no tools', { body: { tools: [] } }, 'everywhere'],
  ['tools of the application', { body: { tools: [pay] } }, 'session'],
  ['tools of an earlier kind', { body: { functions: [{ name: 'pay' }] } }, 'session'],
  ['a tool of Messages', { operation: 'messages', body: { tools: [{ name: 'pay', input_schema: {} }] } }, 'session'],
  ['a tool that the provider runs', { body: { tools: [pay, { type: 'web_search' }] } }, 'nowhere'],
  ['a tool that nobody knows', { body: { tools: ['pay'] } }, 'nowhere'],
  ['servers of tools', { operation: 'messages', body: { mcp_servers: [{ url: 'https://a.test' }] } }, 'nowhere'],
];
for (const [title, call, reach] of cases) {
  test(`${title}: ${reach}`, () => assert.equal(reachOf({ ...plain, ...call }).to, reach));
}
