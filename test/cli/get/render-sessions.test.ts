import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderSessions } from '../../../cli/get/render-sessions.ts';

const line = {
  organization: 'acme',
  session: {
    sessionId: 'session-\u001b[2J123',
    userId: 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11',
    user: 'ada',
    startedAt: new Date('2026-11-30T01:00:00.500Z'),
    costs: {
      costUsd: '0.045600000000',
      byService: [{ name: 'tts', costUsd: '0.0456' }],
      byProvider: [{ name: 'sarvam', costUsd: '0.0456' }],
      partCount: '12',
      entryCount: '11',
      unpricedCount: '1',
      savingsUsd: '0.0123',
      optimizationLevel: null,
    },
    metrics: {
      ...{ turns: '15', successful: '12', failed: '1', interrupted: '2' },
      ...{ asrMs: null, llmMs: null, translationMs: null, ttsMs: 856.2, totalMs: 2937.8 },
      ...{ cacheHits: '0', cacheMisses: '0', llmCacheHits: '0', llmCacheMisses: '0', ttsCacheHits: '0' },
      ...{ ttsCacheMisses: '0', violations: '2', blocks: '1', costUsd: '0.0456' },
      ...{ optimizationLevel: null, language: null },
    },
    feedback: { thumbsUp: 3, thumbsDown: 1, starred: 3, stars: 13 / 3 },
  },
};

test('a table has a line for each session, and nothing that moves the cursor', () => {
  const [head = '', row = ''] = renderSessions([line], 'table').split('\n');
  assert.match(
    head,
    /^ORGANIZATION +SESSION +USER +STARTED +TURNS +FAILED +INTERRUPTED +COST USD +SAVED USD +UP +DOWN +STARS$/,
  );
  assert.match(
    row,
    /^acme +session-\ufffd\[2J123 +ada +2026-11-30T01:00:00Z +15 +1 +2 +0\.0456 +0\.0123 +3 +1 +4\.3 \(3\)$/,
  );
  assert.equal(renderSessions([], 'table'), 'There are no sessions.\n');
});

test('JSON has exact amounts, by service', () => {
  const { sessions } = JSON.parse(renderSessions([line], 'json')) as { sessions: Record<string, unknown>[] };
  const { costUsd, costUsdByService, unpricedEntries, failedTurns, guardrailBlocks } = sessions[0] ?? {};
  assert.deepEqual([costUsd, costUsdByService], ['0.045600000000', { tts: '0.0456' }]);
  assert.deepEqual([unpricedEntries, failedTurns, guardrailBlocks], [1, 1, 1]);
});
