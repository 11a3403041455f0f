import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRequestId } from '../../../../database/ids.ts';
import type { RequestRecord } from '../../../../database/requests.ts';
import { removeImplausible } from '../../../../proxy/calls/settle/figures.ts';
import { makeRecord } from '../../../request-record.ts';

const organizationId = '123e4567-e89b-12d3-a456-426614174001';
const at = { started_at: '2026-01-01T00:00:00.000Z', request_id: makeRequestId(Date.UTC(2026, 0, 1)) };
const make = (changes: Partial<RequestRecord>) => makeRecord(organizationId, { ...at, ...changes });

const cases: readonly (readonly [
  title: string,
  told: Partial<RequestRecord>,
  kept: Partial<RequestRecord>,
  found: readonly string[],
])[] = [
  ['what a call may have stays', { total_tokens: 1e12, cost_usd: '1.5' }, { total_tokens: 1e12, cost_usd: '1.5' }, []],
  [
    'tokens beyond all measure are unknown, and the call is unpriced',
    { total_tokens: Number.MAX_SAFE_INTEGER, cost_usd: '1.5' },
    { total_tokens: null, cost_usd: null },
    ['total_tokens'],
  ],
  ['so is a part of them', { input_audio_tokens: 1e13, cost_usd: '1' }, { cost_usd: null }, ['input_audio_tokens']],
  ['a cost beyond all measure is none', { cost_usd: '10000000.000000000001' }, { cost_usd: null }, ['cost_usd']],
  [
    'a duration beyond all measure is unknown alone',
    { duration_ms: 1e12, cost_usd: '1' },
    { duration_ms: null, cost_usd: '1' },
    ['duration_ms'],
  ],
  ['what is no number is unknown', { audio_seconds: Number.NaN, cost_usd: '1' }, { cost_usd: null }, ['audio_seconds']],
];
for (const [title, told, kept, found] of cases) {
  test(title, () => {
    const record = make(told);
    assert.deepEqual(removeImplausible(record), found);
    assert.deepEqual(record, make(kept));
  });
}
