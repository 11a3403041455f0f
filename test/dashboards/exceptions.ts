/** Queries that find nothing in the test, and why. A place is as in `promql.ts`. */
export const emptyQueries: Readonly<Record<string, string>> = {
  'chaperone-operator: How many keys come, and come again? B': 'No reconciliation fails.',
  'chaperone-operator: How do watches end, and how often is everything listed? B':
    'A watch lasts minutes, and there is none without an API server.',
  'chaperone-worker: How much does retention remove? A': 'Nothing in the test is older than its organization keeps it.',
  ChaperoneOperatorMetricsAbsent: 'It looks for what is absent, and the operator is there.',
  ChaperoneWorkerMetricsAbsent: 'It looks for what is absent, and the worker is there.',
  ChaperoneSpoolRefusesCalls: 'The volume has room; a full one would end all other traffic.',
};

const leader = 'Only an operator in a cluster stands for election.';
const watch = 'An operator over a directory watches files, and asks no API server.';
const pods = 'There are pods and webhooks only in a cluster.';

/** Queries about what only an operator in a cluster has. `test/cluster/dashboards.test.ts` evaluates them. */
export const needApiServer: Readonly<Record<string, string>> = {
  'chaperone-operator: Does an operator lead? A': leader,
  'chaperone-operator: Which replica leads? A': leader,
  'chaperone-operator: How do watches end, and how often is everything listed? A': watch,
  'chaperone-operator: How long ago did the operator hear of each kind? A': watch,
  'chaperone-operator: What is the API server asked, and what does it answer? A': watch,
  ChaperoneWatchStale: watch,
  'chaperone-operator: How long is the certificate valid? A': pods,
  'chaperone-operator: How many pods have a sidecar? A': pods,
  'chaperone-operator: How many sidecars are outdated? A': pods,
  'chaperone-operator: What does the injection webhook answer? A': pods,
  'chaperone-operator: What does the validating webhook answer? A': pods,
  ChaperoneCertificateExpires: pods,
  ChaperonePodsRefused: pods,
  ChaperoneProxyMetricsAbsent: pods,
  ChaperoneSidecarsOutdated: pods,
};

const nodes =
  'Node’s own, for whoever looks for a leak or a stall. Panels show memory, processor time and the lag at 99 %.';

/** Metrics that no panel and no rule shows, and why. */
export const unusedMetrics: Readonly<Record<string, string>> = {
  nodejs_active_handles: nodes,
  nodejs_active_requests: nodes,
  nodejs_active_resources: nodes,
  nodejs_eventloop_lag_max_seconds: nodes,
  nodejs_eventloop_lag_mean_seconds: nodes,
  nodejs_eventloop_lag_min_seconds: nodes,
  nodejs_eventloop_lag_p50_seconds: nodes,
  nodejs_eventloop_lag_p90_seconds: nodes,
  nodejs_eventloop_lag_seconds: nodes,
  nodejs_eventloop_lag_stddev_seconds: nodes,
  nodejs_external_memory_bytes: nodes,
  nodejs_gc_duration_seconds: nodes,
  nodejs_heap_size_total_bytes: nodes,
  nodejs_heap_size_used_bytes: nodes,
  nodejs_heap_space_size_available_bytes: nodes,
  nodejs_heap_space_size_total_bytes: nodes,
  nodejs_heap_space_size_used_bytes: nodes,
  nodejs_version_info: nodes,
  process_cpu_system_seconds_total: nodes,
  process_cpu_user_seconds_total: nodes,
  process_heap_bytes: nodes,
  process_max_fds: nodes,
  process_open_fds: nodes,
  process_start_time_seconds: nodes,
  process_virtual_memory_bytes: nodes,
};
