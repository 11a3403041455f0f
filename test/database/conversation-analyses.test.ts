import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  completeConversationAnalysis,
  deleteExpiredConversationAnalyses,
  findConversationAnalysis,
  insertConversationAnalysis,
  listAnalysesOf,
  supersedeConversationAnalysis,
} from '../../database/conversation-analyses.ts';
import { insertRequests } from '../../database/insert-requests.ts';
import { makeRecord } from '../request-record.ts';
import { batchOf } from './batch.ts';
import { connect, makeTenant, openDatabase } from './tenant.ts';

const metadata = {
  ...{ totalTokens: 1, model: 'gpt-4o', costUsd: null, calls: 1, requestIds: [], messageCount: 2 },
  ...{ missingCalls: 0, parts: 1, isTruncated: false },
};

test('a branch has one analysis that counts; those that ended too long ago are deleted', async (t) => {
  const database = await openDatabase(t);
  const { id: organizationId, url } = await makeTenant(database);
  const db = await connect(t, url);
  const conversationId = randomUUID();
  const call = { conversation_id: conversationId, branch_id: 'main', message_digest: 1, new_messages: 1 };
  await insertRequests(db, organizationId, batchOf([makeRecord(organizationId, call)]));
  const insert = (id: string) =>
    insertConversationAnalysis(db, {
      ...{ organizationId, id, conversationId, branchId: 'main', requestedBy: 'ada', template: 'summary' },
      ...{ settingsSealed: Buffer.from('sealed'), jobId: '1' },
    });
  await insert('first');
  await assert.rejects(insert('second'), { constraint: 'unique_active_analysis' });
  assert.ok(await completeConversationAnalysis(db, organizationId, 'first', Buffer.from('text'), metadata));
  assert.ok(!(await completeConversationAnalysis(db, organizationId, 'first', Buffer.from('other'), metadata)));
  await assert.rejects(insert('second'), { constraint: 'unique_active_analysis' });
  await supersedeConversationAnalysis(db, organizationId, 'first');
  await insert('second');

  const latest = await listAnalysesOf(db, organizationId, [conversationId, randomUUID()]);
  assert.deepEqual(
    latest.map(({ id, branchId, status }) => [id, branchId, status]),
    [['second', 'main', 'pending']],
  );

  const age = (id: string, days: number) =>
    database.owner.query(
      `update chaperone.conversation_analyses set created_at = created_at - $2::integer * interval '1 day',
         completed_at = completed_at - $2::integer * interval '1 day' where id = $1`,
      [id, days],
    );
  const left = async () => {
    const found = await Promise.all(
      ['first', 'second'].map((id) => findConversationAnalysis(database.owner, organizationId, id)),
    );
    return found.map((row) => row !== undefined);
  };
  await age('first', 29);
  await age('second', 31);
  assert.equal(await deleteExpiredConversationAnalyses(database.owner), 0, 'the second one has not ended');
  await age('first', 2);
  assert.equal(await deleteExpiredConversationAnalyses(database.owner), 1);
  assert.deepEqual(await left(), [false, true]);
});
