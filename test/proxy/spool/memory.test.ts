import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptIdDigest } from '../../../database/ids.ts';
import { makeMemory } from '../../../proxy/spool/memory.ts';
import { makeRecord } from '../../request-record.ts';

const organizationId = 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11';
const call = makeRecord(organizationId, { response_id: 'resp_1', kept_ids: [keptIdDigest('msg_1')] });
const pending = { ...call, response_id: 'resp_1', input_sealed: null, output_sealed: null };

test('a call is found by request id, response id and the ids of its parts', () => {
  const memory = makeMemory();
  memory.noteCall(call);
  for (const id of [call.request_id, 'resp_1']) assert.equal(memory.findCall(id)?.requestId, call.request_id);
  assert.equal(memory.findByKeptId('msg_1')?.requestId, call.request_id);
  assert.deepEqual([memory.findCall('resp_2'), memory.findByKeptId('msg_2')], [undefined, undefined]);
});

test('a pending call is found until its first settlement, and later settlements are recognized', () => {
  const memory = makeMemory();
  memory.notePending(pending, 7);
  assert.equal(memory.findPending('resp_1'), 7);
  assert.equal(memory.noteLateSettlement(call), true);
  assert.equal(memory.findPending('resp_1'), undefined);
  assert.equal(memory.noteLateSettlement(call), false);
  assert.equal(memory.findCall('resp_1')?.requestId, call.request_id);
});

test('the resources of a user are listed, the newest first', () => {
  const memory = makeMemory();
  const resource = (resource_id: string, user_id: string) => ({
    resource_id,
    kind: 'file' as const,
    user_id,
    api_key_id: 'key',
    created_at: call.started_at,
    deleted_at: null,
  });
  for (const one of [resource('file-1', 'ada'), resource('file-2', 'bob'), resource('file-3', 'ada')]) {
    memory.noteResource(one);
  }
  assert.equal(memory.findResource('file-2')?.user_id, 'bob');
  assert.deepEqual(
    memory.listResources('ada').map(({ resource_id }) => resource_id),
    ['file-3', 'file-1'],
  );
});
