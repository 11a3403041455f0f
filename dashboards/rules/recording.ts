import { failed, ownFaults } from '../promql.ts';
import type { RecordingRule } from './rule.ts';

/** Share of calls that must not fail. The chart's value `monitoring.rules.objective` replaces it. */
export const objective = 0.995;
/** The rule that has it, which the chart replaces. */
export const objectiveRecord = 'chaperone:objective:ratio';

/** The windows of burn rates, as in the Site Reliability Workbook, chapter 5. */
const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;
export type Window = (typeof windows)[number];

const ended = 'gen_ai_client_operation_duration_seconds_count';
const answered = 'gen_ai_server_request_duration_seconds_count';
const refused = `chaperone_refused_calls_total{${ownFaults}}`;
const replaced = 'chaperone_failed_attempts_total';

/** Calls that ended, and those that the platform refused through its own fault. */
const calls = (by: string, window: Window) =>
  `sum by (${by}) (rate(${ended}[${window}]) or rate(${refused}[${window}]))`;

/** Those of them that failed. The last part makes 0 where none has. */
const failures = (by: string, window: Window) =>
  `sum by (${by}) (rate(${ended}{${failed}}[${window}]) or rate(${refused}[${window}]) or 0 * rate(${ended}[${window}]))`;

const workload = 'organization, namespace, workload';
const provider = 'organization, gen_ai_provider_name';

/** What dashboards and alerts share. */
export const recordingRules: readonly RecordingRule[] = [
  { record: objectiveRecord, expr: `vector(${objective})` },
  { record: 'workload:chaperone_calls:rate5m', expr: calls(workload, '5m') },
  { record: 'workload:chaperone_calls_failed:rate5m', expr: failures(workload, '5m') },
  ...windows.flatMap((window) => [
    { record: `organization:chaperone_calls_failed:rate${window}`, expr: failures('organization', window) },
    {
      record: `organization:chaperone_calls_failed:ratio_rate${window}`,
      expr: `organization:chaperone_calls_failed:rate${window} / ${calls('organization', window)}`,
    },
  ]),
  {
    record: 'organization:chaperone_error_budget:remaining30d',
    expr: `1 - sum by (organization) (sum_over_time(workload:chaperone_calls_failed:rate5m[30d])) / sum by (organization) (sum_over_time(workload:chaperone_calls:rate5m[30d])) / (1 - scalar(${objectiveRecord}))`,
  },
  {
    record: 'provider:chaperone_requests:rate5m',
    expr: `sum by (${provider}) (rate(${answered}[5m]) or rate(${replaced}[5m]))`,
  },
  {
    record: 'provider:chaperone_requests_failed:rate5m',
    expr: `sum by (${provider}) (rate(${answered}{${failed}}[5m]) or rate(${replaced}[5m]) or 0 * rate(${answered}[5m]))`,
  },
  {
    record: 'workload:chaperone_overhead_seconds:p95_rate5m',
    expr: `histogram_quantile(0.95, sum by (le, ${workload}) (rate(chaperone_overhead_seconds_bucket[5m])))`,
  },
];
