import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderConversations } from '../../../cli/get/render-conversations.ts';

const line = {
  organization: 'acme',
  conversation: {
    conversationId: '9f86d081-884c-8d65-9a2f-eaa0c55ad015',
    userId: 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11',
    user: 'ada\u001b[2J',
    sessionId: 'sess_1',
    firstCallAt: new Date('2026-11-30T01:00:00.000Z'),
    lastCallAt: new Date('2026-11-30T02:00:00.500Z'),
    calls: 4,
    totalTokens: 120,
    costUsd: '0.001200000000',
    models: ['gpt-4o', 'gpt-4o-mini'],
    branches: 2,
  },
  analyses: (['completed', 'failed', 'completed'] as const).map((status, index) => ({
    ...{ conversationId: '9f86d081-884c-8d65-9a2f-eaa0c55ad015', branchId: `branch-${index}`, id: `ana_${index}` },
    ...{ status, template: 'summary', createdAt: new Date(0), completedAt: new Date(0) },
  })),
};

test('a table has a line for each conversation, and nothing that moves the cursor', () => {
  const [head = '', row = ''] = renderConversations([line], 'table').split('\n');
  assert.match(
    head,
    /^ORGANIZATION +CONVERSATION +USER +LAST CALL +CALLS +BRANCHES +TOKENS +COST USD +ANALYSES +MODELS$/,
  );
  assert.match(
    row,
    /^acme +9f86d081-\S+ +ada\ufffd\[2J +2026-11-30T02:00:00Z +4 +2 +120 +0\.0012 +2 completed, 1 failed +gpt-4o,gpt-4o-mini$/,
  );
  assert.equal(renderConversations([], 'table'), 'There are no conversations.\n');
});

test('JSON has the names of the API', () => {
  const { conversations } = JSON.parse(renderConversations([line], 'json')) as {
    conversations: Record<string, unknown>[];
  };
  assert.deepEqual(
    [conversations[0]?.organization, conversations[0]?.conversationId, conversations[0]?.startedAt],
    ['acme', line.conversation.conversationId, '2026-11-30T01:00:00.000Z'],
  );
  const [first] = (conversations[0]?.analyses ?? []) as object[];
  const epoch = '1970-01-01T00:00:00.000Z';
  assert.deepEqual(first, {
    ...{ branchId: 'branch-0', id: 'ana_0', status: 'completed', template: 'summary' },
    ...{ createdAt: epoch, completedAt: epoch },
  });
});
