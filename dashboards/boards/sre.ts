import type { Board } from '../board.ts';
import { figure, lines, table } from '../panel.ts';
import { chosen, failed, mean, quantile, rateBy } from '../promql.ts';
import { proxyVariables } from './variables.ts';

const provider = 'gen_ai_provider_name';
const byWorkload = 'namespace, workload';
const workload = '{{namespace}}/{{workload}}';
const duration = 'gen_ai_client_operation_duration_seconds';
const answer = 'gen_ai_server_request_duration_seconds';
const recorded = (metric: string) => `${metric}{${chosen}}`;
const ofOrganization = 'organization=~"$organization"';

/** For who is called at night: whether calls work, how fast, and whether records and configuration arrive. */
export const sreBoard: Board = {
  name: 'sre',
  title: 'Chaperone: SRE',
  says: 'Whether calls work and how fast they are, by workload and provider; what the proxy adds; whether records reach the database and configuration reaches the proxies.',
  variables: proxyVariables,
  rows: [
    {
      title: 'Now',
      panels: [
        figure('How much of the error budget is left?', {
          says: 'Of 30 days, of the organization that has least. 100 % is all of it, below 0 the objective is missed. The chart’s monitoring.rules.objective is the objective.',
          unit: 'percentunit',
          queries: [[`min(organization:chaperone_error_budget:remaining30d{${ofOrganization}})`, '']],
          limits: [0.25, 0.5],
          isBetterHigh: true,
          alerts: ['ChaperoneErrorBudgetBurnsFast', 'ChaperoneErrorBudgetBurnsSlowly'],
        }),
        figure('How many calls end a second?', {
          says: 'Over the last five minutes, and refusals that are the platform’s fault.',
          unit: 'reqps',
          queries: [[`sum(${recorded('workload:chaperone_calls:rate5m')})`, '']],
        }),
        figure('Which share of calls fails?', {
          says: 'Over the last five minutes, through no fault of the caller.',
          unit: 'percentunit',
          queries: [
            [
              `sum(${recorded('workload:chaperone_calls_failed:rate5m')}) / sum(${recorded('workload:chaperone_calls:rate5m')})`,
              '',
            ],
          ],
          limits: [0.005, 0.05],
          alerts: ['ChaperoneErrorBudgetBurnsFast'],
        }),
        figure('How many calls are running?', {
          says: 'At all chosen proxies.',
          unit: 'short',
          queries: [[`sum(chaperone_active_calls{${chosen}})`, '']],
        }),
        figure('How long has the oldest record waited?', {
          says: 'A record that waits is on the pod’s volume, and not in the database.',
          unit: 's',
          queries: [[`max(chaperone_spool_oldest_age_seconds{${chosen}})`, '']],
          limits: [60, 300],
          alerts: ['ChaperoneUsageWaits'],
        }),
        figure('How old is the oldest configuration?', {
          says: 'The time since a proxy last knew that its configuration is the newest.',
          unit: 's',
          queries: [[`max(chaperone_snapshot_age_seconds{${chosen}})`, '']],
          limits: [60, 120],
          alerts: ['ChaperoneConfigurationStale'],
        }),
      ],
    },
    {
      title: 'Workloads',
      panels: [
        lines('How much traffic has each workload?', {
          says: 'Calls that end a second.',
          unit: 'reqps',
          queries: [[recorded('workload:chaperone_calls:rate5m'), workload]],
          alerts: ['ChaperoneProxyMetricsAbsent'],
        }),
        lines('Which share of each workload’s calls fails?', {
          says: 'Through no fault of the caller: the provider fails or limits, or the proxy cannot serve.',
          unit: 'percentunit',
          queries: [
            [
              `${recorded('workload:chaperone_calls_failed:rate5m')} / ${recorded('workload:chaperone_calls:rate5m')}`,
              workload,
            ],
          ],
          limits: [0.005, 0.05],
          alerts: ['ChaperoneErrorBudgetBurnsFast', 'ChaperoneErrorBudgetBurnsSlowly'],
        }),
        lines('How long do calls take?', {
          says: 'From the arrival of the request to the end of the answer: median, 95th and 99th percentile.',
          unit: 's',
          queries: [
            [quantile(0.5, duration), 'median'],
            [quantile(0.95, duration), '95 %'],
            [quantile(0.99, duration), '99 %'],
          ],
        }),
        lines('How long do the calls of each workload take?', {
          says: 'The 95th percentile.',
          unit: 's',
          queries: [[quantile(0.95, duration, byWorkload), workload]],
        }),
        lines('How many calls run at once?', {
          says: 'By workload.',
          unit: 'short',
          queries: [[`sum by (${byWorkload}) (chaperone_active_calls{${chosen}})`, workload]],
        }),
        lines('How much memory do bodies in flight take?', {
          says: 'It counts against a limit, above which calls get 503 overloaded.',
          unit: 'bytes',
          queries: [[`sum by (${byWorkload}) (chaperone_in_flight_bytes{${chosen}})`, workload]],
        }),
        lines('How much memory does a proxy take?', {
          says: 'The largest proxy of each workload: all of it, and what answers of the cache take.',
          unit: 'bytes',
          queries: [
            [`max by (${byWorkload}) (process_resident_memory_bytes{${chosen},organization!=""})`, workload],
            [`max by (${byWorkload}) (chaperone_cache_memory_bytes{${chosen}})`, `${workload}: cache`],
          ],
        }),
        lines('How busy is a proxy?', {
          says: 'Processor time, where 100 % is one core, of all proxies of a workload.',
          unit: 'percentunit',
          queries: [[rateBy(byWorkload, 'process_cpu_seconds_total', `${chosen},organization!=""`), workload]],
        }),
        lines('Does a proxy’s event loop stall?', {
          says: 'The 99th percentile of the delay, of the slowest proxy of each workload.',
          unit: 's',
          queries: [
            [`max by (${byWorkload}) (nodejs_eventloop_lag_p99_seconds{${chosen},organization!=""})`, workload],
          ],
          limits: [0.05, 0.25],
          alerts: ['ChaperoneLatencyAdded'],
        }),
      ],
    },
    {
      title: 'Error budget',
      panels: [
        lines('How fast is the error budget used?', {
          says: 'At 1, the budget lasts 30 days; at 14.4, two of them. Over one hour, six hours and three days.',
          unit: 'short',
          queries: ['1h', '6h', '3d'].map((window) => [
            `organization:chaperone_calls_failed:ratio_rate${window}{${ofOrganization}} / (1 - scalar(chaperone:objective:ratio))`,
            `{{organization}}, ${window}`,
          ]),
          limits: [1, 6],
          alerts: ['ChaperoneErrorBudgetBurnsFast', 'ChaperoneErrorBudgetBurnsSlowly'],
        }),
        lines('How does the error budget shrink?', {
          says: 'What is left of 30 days.',
          unit: 'percentunit',
          queries: [[`organization:chaperone_error_budget:remaining30d{${ofOrganization}}`, '{{organization}}']],
          limits: [0.25, 0.5],
          isBetterHigh: true,
          alerts: ['ChaperoneErrorBudgetBurnsSlowly'],
        }),
        lines('How do calls fail?', {
          says: 'Calls a second that ended without success, by status or error, also those that failed through their caller.',
          unit: 'reqps',
          queries: [[rateBy('error_type', `${duration}_count`, `${chosen},error_type!=""`), '{{error_type}}']],
        }),
      ],
    },
    {
      title: 'Providers',
      panels: [
        lines('How much is each provider asked?', {
          says: 'Requests a second, with attempts that failed and that another one replaced.',
          unit: 'reqps',
          queries: [
            [
              `sum by (organization, ${provider}) (provider:chaperone_requests:rate5m{${ofOrganization}})`,
              `{{organization}} {{${provider}}}`,
            ],
          ],
        }),
        lines('Which share of a provider’s requests fails?', {
          says: 'With attempts that another one replaced, so also failures that no client has seen.',
          unit: 'percentunit',
          queries: [
            [
              `provider:chaperone_requests_failed:rate5m{${ofOrganization}} / provider:chaperone_requests:rate5m{${ofOrganization}}`,
              `{{organization}} {{${provider}}}`,
            ],
          ],
          limits: [0.02, 0.2],
          alerts: ['ChaperoneProviderFails'],
        }),
        table('Which providers and keys are left alone?', {
          says: 'Those with an open circuit: they failed in a row, and calls go to others first.',
          unit: 'short',
          queries: [
            [`max by (organization, ${provider}, scope, api_key_id) (chaperone_circuit_open{${chosen}}) == 1`, ''],
          ],
          alerts: ['ChaperoneCircuitOpen'],
        }),
        lines('Which attempts fail?', {
          says: 'Requests a second that failed and that another one replaced, by kind of failure.',
          unit: 'reqps',
          queries: [[rateBy(`${provider}, kind`, 'chaperone_failed_attempts_total'), `{{${provider}}}: {{kind}}`]],
          alerts: ['ChaperoneProviderFails'],
        }),
        lines('How do calls to each provider fail?', {
          says: 'The last attempt of failed calls, by error. 401 and 403 mean that the provider refuses the key.',
          unit: 'reqps',
          queries: [
            [
              rateBy(`${provider}, error_type`, `${answer}_count`, `${chosen},${failed}`),
              `{{${provider}}}: {{error_type}}`,
            ],
          ],
          alerts: ['ChaperoneProviderFails'],
        }),
        lines('How long does each provider take?', {
          says: 'From sending the request to the end of the answer: median and 95th percentile.',
          unit: 's',
          queries: [
            [quantile(0.5, answer, provider), `{{${provider}}}, median`],
            [quantile(0.95, answer, provider), `{{${provider}}}, 95 %`],
          ],
        }),
        lines('How long until the first token?', {
          says: 'Of streams, by provider: median and 95th percentile.',
          unit: 's',
          queries: [
            [quantile(0.5, 'gen_ai_server_time_to_first_token_seconds', provider), `{{${provider}}}, median`],
            [quantile(0.95, 'gen_ai_server_time_to_first_token_seconds', provider), `{{${provider}}}, 95 %`],
          ],
        }),
        lines('How long does each further token take?', {
          says: 'Of streams, the mean and the 95th percentile, by provider.',
          unit: 's',
          queries: [
            [mean('gen_ai_server_time_per_output_token_seconds', provider), `{{${provider}}}, mean`],
            [quantile(0.95, 'gen_ai_server_time_per_output_token_seconds', provider), `{{${provider}}}, 95 %`],
          ],
        }),
        lines('Which lists and key sets cannot be had?', {
          says: 'Lists of models by provider, and public keys of token issuers, a second.',
          unit: 'reqps',
          queries: [
            [rateBy(`${provider}, result`, 'chaperone_model_lists_total'), `models of {{${provider}}}: {{result}}`],
            [rateBy('issuer, outcome', 'chaperone_issuer_key_fetches_total'), 'keys of {{issuer}}: {{outcome}}'],
          ],
        }),
      ],
    },
    {
      title: 'What the proxy adds',
      panels: [
        lines('How much time does the proxy add?', {
          says: 'Before a call goes upstream: median, 95th and 99th percentile.',
          unit: 's',
          queries: [
            [quantile(0.5, 'chaperone_overhead_seconds'), 'median'],
            [quantile(0.95, 'chaperone_overhead_seconds'), '95 %'],
            [quantile(0.99, 'chaperone_overhead_seconds'), '99 %'],
          ],
          limits: [0.01, 0.05],
          alerts: ['ChaperoneLatencyAdded'],
        }),
        lines('Where does the proxy add most?', {
          says: 'The 95th percentile by workload.',
          unit: 's',
          queries: [[quantile(0.95, 'chaperone_overhead_seconds', byWorkload), workload]],
          limits: [0.01, 0.05],
          alerts: ['ChaperoneLatencyAdded'],
        }),
        lines('What do calls look up in the database?', {
          says: 'Look-ups a second of what a call continues: found, missing, late (the answer was there first) or failed.',
          unit: 'reqps',
          queries: [[rateBy('result', 'chaperone_conversation_look_ups_total'), '{{result}}']],
        }),
      ],
    },
    {
      title: 'Records and configuration',
      panels: [
        lines('How many records wait for the database?', {
          says: 'Usage records by workload, and entries for the audit log.',
          unit: 'short',
          queries: [
            [`sum by (${byWorkload}) (chaperone_spool_depth{${chosen}})`, workload],
            [`sum by (${byWorkload}) (chaperone_audit_waiting{${chosen}})`, `${workload}: audit`],
          ],
          alerts: ['ChaperoneUsageWaits', 'ChaperoneAuditEntriesWait'],
        }),
        lines('How long do records wait?', {
          says: 'The oldest record of each workload.',
          unit: 's',
          queries: [[`max by (${byWorkload}) (chaperone_spool_oldest_age_seconds{${chosen}})`, workload]],
          limits: [60, 300],
          alerts: ['ChaperoneUsageWaits'],
        }),
        lines('Do records reach the database?', {
          says: 'Records that were copied a second, failed attempts to copy, and settlements that the volume did not take at first.',
          unit: 'short',
          queries: [
            [rateBy(byWorkload, 'chaperone_spool_shipped_total'), `${workload}: copied`],
            [rateBy(byWorkload, 'chaperone_spool_failures_total'), `${workload}: failed`],
            [rateBy(byWorkload, 'chaperone_spool_write_failures_total'), `${workload}: not written`],
            [rateBy(byWorkload, 'chaperone_spool_set_aside_total'), `${workload}: set aside`],
          ],
          alerts: ['ChaperoneUsageWaits', 'ChaperoneSpoolRefusesCalls', 'ChaperoneRecordsSetAside'],
        }),
        lines('How old is the configuration?', {
          says: 'The time since it was last known to be the newest, of the worst proxy of each workload.',
          unit: 's',
          queries: [[`max by (${byWorkload}) (chaperone_snapshot_age_seconds{${chosen}})`, workload]],
          limits: [60, 120],
          alerts: ['ChaperoneConfigurationStale'],
        }),
        lines('How soon do changes take effect?', {
          says: 'From the commit in the database until a proxy enforces it: mean.',
          unit: 's',
          queries: [[mean('chaperone_snapshot_propagation_seconds', byWorkload), workload]],
        }),
        lines('Do all proxies have the same configuration?', {
          says: 'The difference between the newest and the oldest version of an organization. It is 0 except for moments.',
          unit: 'short',
          queries: [
            [
              `max by (organization) (chaperone_snapshot_version{${chosen}}) - min by (organization) (chaperone_snapshot_version{${chosen}})`,
              '{{organization}}',
            ],
          ],
          alerts: ['ChaperoneConfigurationStale'],
        }),
        lines('What is written for the audit log?', {
          says: 'Entries a second, by kind.',
          unit: 'short',
          queries: [[rateBy('kind', 'chaperone_audit_entries_total'), '{{kind}}']],
        }),
        lines('Do traces reach their collector?', {
          says: 'Spans a second, by result: exported, rejected (by the collector), failed (it could not be reached), or dropped (too many waited). Nothing where no traces are configured.',
          unit: 'short',
          queries: [[rateBy('result', 'chaperone_trace_spans_total'), '{{result}}']],
        }),
        table('Which versions run?', {
          says: 'Proxies by version and workload.',
          unit: 'short',
          queries: [[`count by (${byWorkload}, version) (chaperone_build_info{component="proxy",${chosen}})`, '']],
          alerts: ['ChaperoneVersionsDiffer'],
        }),
      ],
    },
  ],
};
