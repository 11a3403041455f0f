import type { Board } from '../board.ts';
import { figure, lines, table } from '../panel.ts';
import { quantile, rateBy, totalBy } from '../promql.ts';
import { jobVariable } from './variables.ts';

const ofJob = 'job=~"$job"';
const ofPlace = 'organization=~"$organization",namespace=~"$namespace"';

/** For who runs Chaperone: whether edits take effect, and whether pods get their sidecars. */
export const operatorBoard: Board = {
  name: 'operator',
  title: 'Chaperone: operator',
  says: 'Whether resources are ready, edits take effect, the operator leads and hears from the API server, and pods get their sidecars.',
  variables: [
    jobVariable('operator'),
    { name: 'organization', label: 'Organization', from: 'chaperone_resource_ready{kind="Organization"}', of: 'name' },
    {
      name: 'namespace',
      label: 'Namespace',
      from: 'chaperone_sidecars{organization=~"$organization"}',
      of: 'namespace',
    },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        figure('Does an operator lead?', {
          says: 'Replicas that lead: exactly 1.',
          unit: 'short',
          queries: [['sum(leader_election_master_status{name="chaperone-operator"})', '']],
          limits: [1, 1],
          isBetterHigh: true,
          alerts: ['ChaperoneWithoutLeader', 'ChaperoneOperatorMetricsAbsent'],
        }),
        figure('Can the operator use the database?', {
          says: '1: it can. 0: edits take no effect, and calls go on.',
          unit: 'short',
          queries: [['min(chaperone_database_reachable)', '']],
          limits: [1, 1],
          isBetterHigh: true,
          alerts: ['ChaperoneDatabaseAway'],
        }),
        figure('How many resources are not ready?', {
          says: 'Of all four kinds. Resources that are switched off do not count.',
          unit: 'short',
          queries: [['sum(chaperone_resource_ready{condition!="True"})', '']],
          limits: [1, 10],
          alerts: ['ChaperoneResourceNotReady'],
        }),
        figure('How long is the certificate valid?', {
          says: 'The serving certificate of the webhooks. The operator renews its own 30 days before the end.',
          unit: 's',
          queries: [['min(chaperone_webhook_certificate_expiry_timestamp_seconds) - time()', '']],
          limits: [7 * 86_400, 21 * 86_400],
          isBetterHigh: true,
          alerts: ['ChaperoneCertificateExpires'],
        }),
        figure('How many sidecars are outdated?', {
          says: 'Pods whose sidecar is not the one that new pods get.',
          unit: 'short',
          queries: [[`sum(chaperone_sidecars{${ofPlace},state="outdated"})`, '']],
          limits: [1, 100],
          alerts: ['ChaperoneSidecarsOutdated'],
        }),
        figure('Is every audit log intact?', {
          says: 'Organizations whose log is not as it was written: 0.',
          unit: 'short',
          queries: [['sum(chaperone_audit_broken)', '']],
          limits: [1, 1],
          alerts: ['ChaperoneAuditBroken'],
        }),
      ],
    },
    {
      title: 'Edits',
      panels: [
        table('Which resources are not ready?', {
          says: 'kubectl describe says why.',
          unit: 'short',
          queries: [
            ['sum by (kind, namespace, name, condition) (chaperone_resource_ready{condition!="True"}) == 1', ''],
          ],
          alerts: ['ChaperoneResourceNotReady'],
        }),
        lines('How soon do edits take effect?', {
          says: 'From seeing a change until it is committed and proxies are told: median and 99th percentile by kind.',
          unit: 's',
          queries: [
            [quantile(0.5, 'chaperone_reconcile_to_effect_seconds', 'controller', ofJob), '{{controller}}, median'],
            [quantile(0.99, 'chaperone_reconcile_to_effect_seconds', 'controller', ofJob), '{{controller}}, 99 %'],
          ],
          limits: [1, 30],
          alerts: ['ChaperoneEditsTakeLong'],
        }),
        lines('What is reconciled?', {
          says: 'Reconciliations a second by controller and result.',
          unit: 'ops',
          queries: [
            [rateBy('controller, result', 'controller_runtime_reconcile_total', ofJob), '{{controller}}, {{result}}'],
          ],
        }),
        lines('Which reconciliations fail?', {
          says: 'A second, by controller.',
          unit: 'ops',
          queries: [[rateBy('controller', 'controller_runtime_reconcile_errors_total', ofJob), '{{controller}}']],
          alerts: ['ChaperoneReconcileFails'],
        }),
        lines('How long does a reconciliation take?', {
          says: 'The 99th percentile by controller.',
          unit: 's',
          queries: [
            [quantile(0.99, 'controller_runtime_reconcile_time_seconds', 'controller', ofJob), '{{controller}}'],
          ],
        }),
        lines('How many reconciliations run, of how many that may?', {
          says: 'By controller.',
          unit: 'short',
          queries: [
            [`sum by (controller) (controller_runtime_active_workers{${ofJob}})`, '{{controller}}'],
            [`sum by (controller) (controller_runtime_max_concurrent_reconciles{${ofJob}})`, '{{controller}}: at most'],
          ],
        }),
      ],
    },
    {
      title: 'Queues',
      panels: [
        lines('How many keys wait?', {
          says: 'By queue.',
          unit: 'short',
          queries: [[`sum by (name) (workqueue_depth{${ofJob}})`, '{{name}}']],
          alerts: ['ChaperoneEditsTakeLong'],
        }),
        lines('How long do keys wait, and how long are they worked on?', {
          says: 'The 99th percentile by queue.',
          unit: 's',
          queries: [
            [quantile(0.99, 'workqueue_queue_duration_seconds', 'name', ofJob), '{{name}}: waits'],
            [quantile(0.99, 'workqueue_work_duration_seconds', 'name', ofJob), '{{name}}: works'],
          ],
          alerts: ['ChaperoneEditsTakeLong'],
        }),
        lines('How many keys come, and come again?', {
          says: 'Keys a second that were added, and that were tried again after a failure.',
          unit: 'ops',
          queries: [
            [rateBy('name', 'workqueue_adds_total', ofJob), '{{name}}: added'],
            [rateBy('name', 'workqueue_retries_total', ofJob), '{{name}}: again'],
          ],
        }),
        lines('Is a reconciliation stuck?', {
          says: 'How long the slowest one in progress has run, and all of them together.',
          unit: 's',
          queries: [
            [`max by (name) (workqueue_longest_running_processor_seconds{${ofJob}})`, '{{name}}: slowest'],
            [`sum by (name) (workqueue_unfinished_work_seconds{${ofJob}})`, '{{name}}: all'],
          ],
          alerts: ['ChaperoneEditsTakeLong'],
        }),
      ],
    },
    {
      title: 'API server',
      panels: [
        lines('What is the API server asked, and what does it answer?', {
          says: 'Requests a second by method and status.',
          unit: 'reqps',
          queries: [[rateBy('method, code', 'rest_client_requests_total', ofJob), '{{method}} {{code}}']],
        }),
        lines('How long ago did the operator hear of each kind?', {
          says: 'The API server sends a bookmark every minute.',
          unit: 's',
          queries: [[`max by (name) (reflector_staleness_seconds{${ofJob}})`, '{{name}}']],
          limits: [180, 600],
          alerts: ['ChaperoneWatchStale'],
        }),
        lines('How do watches end, and how often is everything listed?', {
          says: 'Full lists, and watches by how they ended, a second.',
          unit: 'ops',
          queries: [
            [rateBy('name', 'reflector_lists_total', ofJob), '{{name}}: listed'],
            [rateBy('name, outcome', 'reflector_watches_total', ofJob), '{{name}}: {{outcome}}'],
          ],
          alerts: ['ChaperoneWatchStale'],
        }),
        lines('Which replica leads?', {
          says: '1 on the one that leads.',
          unit: 'short',
          queries: [['leader_election_master_status{name="chaperone-operator"}', '{{pod}}{{instance}}']],
          alerts: ['ChaperoneWithoutLeader'],
        }),
        lines('How much memory and processor time does the operator take?', {
          says: 'Bytes of the largest replica, and cores of all.',
          unit: 'short',
          queries: [
            [`max(process_resident_memory_bytes{${ofJob}})`, 'bytes'],
            [`sum(rate(process_cpu_seconds_total{${ofJob}}[$__rate_interval]))`, 'cores'],
          ],
        }),
      ],
    },
    {
      title: 'Pods',
      panels: [
        lines('How many pods have a sidecar?', {
          says: 'By organization, namespace and state.',
          unit: 'short',
          queries: [
            [
              `sum by (organization, namespace, state) (chaperone_sidecars{${ofPlace}})`,
              '{{organization}} {{namespace}}: {{state}}',
            ],
          ],
          alerts: ['ChaperoneSidecarsOutdated'],
        }),
        lines('What does the injection webhook answer?', {
          says: 'New pods a second, by outcome and reason.',
          unit: 'ops',
          queries: [[rateBy('outcome, reason', 'chaperone_injections_total', ofJob), '{{outcome}} {{reason}}']],
          alerts: ['ChaperonePodsRefused'],
        }),
        lines('What does the validating webhook answer?', {
          says: 'New pods in their final state a second, by outcome and reason.',
          unit: 'ops',
          queries: [
            [rateBy('outcome, reason', 'chaperone_injection_validations_total', ofJob), '{{outcome}} {{reason}}'],
          ],
          alerts: ['ChaperonePodsRefused'],
        }),
      ],
    },
    {
      title: 'Budgets and audit logs',
      panels: [
        table('Which budgets are used most?', {
          says: 'The 20 fullest of all organizations and bindings.',
          unit: 'percentunit',
          queries: [
            [
              'topk(20, max by (organization, binding, budget) (chaperone_budget_used_ratio{organization=~"$organization"}))',
              '',
            ],
          ],
          alerts: ['ChaperoneBudgetNearlyUsed'],
        }),
        lines('How fast do audit logs grow?', {
          says: 'Entries of each organization.',
          unit: 'short',
          queries: [
            ['max by (organization) (chaperone_audit_entries{organization=~"$organization"})', '{{organization}}'],
          ],
          alerts: ['ChaperoneAuditBroken'],
        }),
        table('Which warnings have budgets given?', {
          says: 'In the chosen time.',
          unit: 'short',
          queries: [
            [
              totalBy(
                'organization, binding, budget, percent',
                'chaperone_budget_warnings_total',
                'organization=~"$organization"',
              ),
              '',
            ],
          ],
        }),
      ],
    },
  ],
};
