import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RequestRecord } from '../../../../database/requests.ts';
import { countCalls } from '../../../../proxy/calls/settle/count.ts';
import { makeMetrics } from '../../../../proxy/calls/settle/metrics.ts';
import { makeModelLabel } from '../../../../proxy/calls/settle/model-label.ts';
import { makeRecord } from '../../../request-record.ts';

const organizationId = '123e4567-e89b-12d3-a456-426614174001';
const unknownTokens = { input_tokens: null, output_tokens: null, total_tokens: null };

/** The samples of these metrics that a record leaves, by name and the labels in question. */
async function samplesOf(record: RequestRecord, names: readonly string[]): Promise<Readonly<Record<string, number>>> {
  const metrics = makeMetrics();
  countCalls(metrics, 'acme', (model) => model ?? 'none').settled?.({ record, upstreamMs: 250 });
  const samples: Record<string, number> = {};
  for (const line of (await metrics.registry.metrics()).split('\n')) {
    const [, name = '', labels = '', value] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
    if (!names.includes(name)) continue;
    const told = ['status', 'error_type', 'gen_ai_token_type'].flatMap((label) => {
      const found = new RegExp(`(?:^|,)${label}="([^"]*)"`).exec(labels)?.[1];
      return found === undefined ? [] : [found];
    });
    samples[[name, ...told].join(' ')] = Number(value);
  }
  return samples;
}

const calls = 'chaperone_calls_total';
const cost = 'chaperone_cost_usd_total';
const unpriced = 'chaperone_unpriced_calls_total';
const mismatches = 'chaperone_usage_mismatches_total';
const tokens = 'gen_ai_client_token_usage_sum';
const duration = 'gen_ai_client_operation_duration_seconds_sum';
const firstToken = 'gen_ai_server_time_to_first_token_seconds_sum';
const perToken = 'gen_ai_server_time_per_output_token_seconds_sum';

describe('a call is counted', () => {
  const rows: readonly (readonly [
    title: string,
    record: Partial<RequestRecord>,
    names: readonly string[],
    expected: Readonly<Record<string, number>>,
  ])[] = [
    [
      'by its status, cost and tokens',
      { cost_usd: '0.5' },
      [calls, cost, unpriced, mismatches, tokens],
      { [`${calls} completed`]: 1, [cost]: 0.5, [`${tokens} input`]: 10, [`${tokens} output`]: 20 },
    ],
    ['as unpriced, where it has usage and no price', { cost_usd: null }, [cost, unpriced], { [unpriced]: 1 }],
    [
      'as unpriced, where it completed without usage',
      { cost_usd: null, ...unknownTokens },
      [unpriced, tokens],
      { [unpriced]: 1 },
    ],
    [
      'as nothing of the kind, where moderations cost nothing',
      { cost_usd: null, ...unknownTokens, total_tokens: null, operation: 'moderations' },
      [calls],
      { [`${calls} completed`]: 1 },
    ],
    ['by its mismatch, where its tokens do not add up', { total_tokens: 31 }, [mismatches], { [mismatches]: 1 }],
    ['without a mismatch, where a part is unknown', { output_tokens: null }, [mismatches], {}],
    ['by its duration', { duration_ms: 500 }, [duration], { [`${duration} `]: 0.5 }],
    ['without a duration, where its process died', { status: 'interrupted', duration_ms: null }, [duration], {}],
    [
      'by the time to its first token and to each later one',
      { duration_ms: 2_500, time_to_first_token_ms: 500, output_tokens: 21 },
      [firstToken, perToken],
      { [firstToken]: 0.5, [perToken]: 0.1 },
    ],
    [
      'without a time for later tokens, where there is one token',
      { duration_ms: 2_000, time_to_first_token_ms: 100, output_tokens: 1 },
      [firstToken, perToken],
      { [firstToken]: 0.1 },
    ],
    ...(
      [
        ['completed', null, 200, ''],
        ['cancelled', null, null, 'cancelled'],
        ['interrupted', 'process_ended', null, 'interrupted'],
        ['failed', 'upstream_timeout', null, 'upstream_timeout'],
        ['failed', 'free text of a provider', 429, '429'],
        ['failed', 'free text of a provider', 200, 'failed'],
        ['failed', null, null, 'failed'],
      ] as const
    ).map(
      ([status, error_code, http_status, errorType]) =>
        [
          `as ${status}, by the error type "${errorType}" where the code is ${error_code} and the status ${http_status}`,
          { status, error_code, http_status, duration_ms: 1_000 },
          [duration],
          { [`${duration} ${errorType}`]: 1 },
        ] as const,
    ),
  ];
  for (const [title, record, names, expected] of rows) {
    test(title, async () => assert.deepEqual(await samplesOf(makeRecord(organizationId, record), names), expected));
  }

  test('without any text from the provider in a label', async () => {
    const metrics = makeMetrics();
    const record = makeRecord(organizationId, { status: 'failed', error_code: 'secret text', http_status: 400 });
    countCalls(metrics, 'acme', () => 'other').settled?.({ record, upstreamMs: 1 });
    assert.doesNotMatch(await metrics.registry.metrics(), /secret text|gpt-4o/);
  });
});

test('calls under way are those that were opened and not closed', async () => {
  const metrics = makeMetrics();
  const { opened, closed } = countCalls(metrics, 'acme', () => 'other');
  for (const follow of [opened, opened, closed]) follow?.();
  assert.match(await metrics.registry.metrics(), /^chaperone_active_calls 1$/m);
});

test('10,000 users and 1,000 unknown models make no more series than one of each', async () => {
  const metrics = makeMetrics();
  const { settled } = countCalls(
    metrics,
    'acme',
    makeModelLabel(() => undefined),
  );
  const series = async () => (await metrics.registry.metrics()).split('\n').length;
  const call = (number: number) => {
    const model = `unknown-${number % 1_000}`;
    const user_external_id = `user-${number}`;
    settled?.({
      record: makeRecord(organizationId, { user_external_id, requested_model: model, model }),
      upstreamMs: 1,
    });
  };
  call(0);
  const before = await series();
  for (let number = 1; number < 10_000; number += 1) call(number);
  assert.equal(await series(), before);
});
