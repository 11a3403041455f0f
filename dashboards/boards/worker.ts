import type { Board } from '../board.ts';
import { figure, lines, table } from '../panel.ts';
import { quantile, rateBy, totalBy } from '../promql.ts';
import { jobVariable } from './variables.ts';

const ofJob = 'job=~"$job"';

/** For who runs Chaperone: whether background jobs are done and webhooks are told. Workers share all organizations. */
export const workerBoard: Board = {
  name: 'worker',
  title: 'Chaperone: worker',
  says: 'Whether background jobs are done, webhooks get their events, and what is given up. Workers share the jobs of all organizations.',
  variables: [
    jobVariable('worker'),
    {
      name: 'organization',
      label: 'Organization',
      from: 'chaperone_calls_total{job=~"$job"}',
      of: 'organization',
    },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        figure('How many jobs wait?', {
          says: 'In the database, whichever worker will do them.',
          unit: 'short',
          queries: [['sum(max by (task) (chaperone_jobs{state="waiting"}))', '']],
          limits: [1_000, 10_000],
          alerts: ['ChaperoneJobsWait'],
        }),
        figure('How long has the oldest job been due?', {
          says: 'A job that waits for its next attempt is not due.',
          unit: 's',
          queries: [['max(chaperone_jobs_oldest_seconds)', '']],
          limits: [300, 900],
          alerts: ['ChaperoneJobsWait'],
        }),
        figure('How many dead letters are there?', {
          says: 'Jobs that have no attempt left: chaperone get jobs --failed.',
          unit: 'short',
          queries: [['sum(max by (task) (chaperone_jobs{state="dead"}))', '']],
          limits: [1, 100],
          alerts: ['ChaperoneDeadLetters'],
        }),
        figure('How many deliveries were given up?', {
          says: 'Events that a webhook never got, in the chosen time.',
          unit: 'short',
          queries: [[totalBy('', 'chaperone_webhook_deliveries_dead_total', ofJob), '']],
          limits: [1, 100],
          alerts: ['ChaperoneDeliveriesDead'],
        }),
        figure('How many webhooks were disabled?', {
          says: 'Since every attempt had failed for three days, in the chosen time.',
          unit: 'short',
          queries: [[totalBy('', 'chaperone_webhooks_disabled_total', ofJob), '']],
          limits: [1, 1],
          alerts: ['ChaperoneWebhookDisabled'],
        }),
        figure('How many workers are there?', {
          says: 'Processes that are scraped.',
          unit: 'short',
          queries: [[`count(chaperone_build_info{component="worker",${ofJob}})`, '']],
          alerts: ['ChaperoneWorkerMetricsAbsent'],
        }),
      ],
    },
    {
      title: 'Jobs',
      panels: [
        lines('How many jobs are there?', {
          says: 'By task and state.',
          unit: 'short',
          queries: [['max by (task, state) (chaperone_jobs)', '{{task}}, {{state}}']],
          alerts: ['ChaperoneJobsWait', 'ChaperoneDeadLetters'],
        }),
        lines('How long are jobs due?', {
          says: 'The oldest of each task.',
          unit: 's',
          queries: [['max by (task) (chaperone_jobs_oldest_seconds)', '{{task}}']],
          limits: [300, 900],
          alerts: ['ChaperoneJobsWait'],
        }),
        lines('How do attempts end?', {
          says: 'A second, by task and outcome. dead: it was the last attempt.',
          unit: 'ops',
          queries: [[rateBy('task, outcome', 'chaperone_job_attempts_total', ofJob), '{{task}}, {{outcome}}']],
          alerts: ['ChaperoneDeadLetters'],
        }),
        lines('How long does an attempt take?', {
          says: 'The 95th percentile by task.',
          unit: 's',
          queries: [[quantile(0.95, 'chaperone_job_duration_seconds', 'task', ofJob), '{{task}}']],
        }),
        lines('Do workers die?', {
          says: 'Jobs a second that were given back, since their worker had ended in the middle of them.',
          unit: 'ops',
          queries: [[rateBy('job', 'chaperone_jobs_taken_over_total', ofJob), '{{job}}']],
        }),
        lines('How many passages of articles get vectors?', {
          says: 'Passages a second, by outcome: made, or refused by the provider. Words still find those without a vector.',
          unit: 'ops',
          queries: [[rateBy('outcome', 'chaperone_knowledge_passages_total', ofJob), '{{outcome}}']],
        }),
        lines('How much does retention remove?', {
          says: 'Rows a second, by what they are. Those of dropped partitions are not counted.',
          unit: 'ops',
          queries: [[rateBy('what', 'chaperone_retention_removed_total', ofJob), '{{what}}']],
        }),
        lines('How many idle conversations with the support desk are resolved?', {
          says: 'Conversations a second that nobody has continued for spec.support.resolveAfter.',
          unit: 'ops',
          queries: [[rateBy('job', 'chaperone_support_idle_resolved_total', ofJob), '{{job}}']],
        }),
        lines('How many held answers has nobody decided about in time?', {
          says: 'Answers a second that a guardrail held (action Review), and that count as rejected now.',
          unit: 'ops',
          queries: [[rateBy('job', 'chaperone_held_answers_expired_total', ofJob), '{{job}}']],
        }),
        lines('How many items wait for reviewers?', {
          says: 'Open items of the review queue, by organization and state.',
          unit: 'short',
          queries: [
            [
              'max by (organization, state) (chaperone_review_items{organization=~"$organization"})',
              '{{organization}}, {{state}}',
            ],
          ],
        }),
        lines('How long has the oldest item waited for a reviewer?', {
          says: 'By organization.',
          unit: 's',
          queries: [
            [
              'max by (organization) (chaperone_review_oldest_seconds{organization=~"$organization"})',
              '{{organization}}',
            ],
          ],
        }),
        lines('How many organizations do workers hold open?', {
          says: 'By worker.',
          unit: 'short',
          queries: [[`chaperone_worker_open_organizations{${ofJob}}`, '{{pod}}{{instance}}']],
        }),
      ],
    },
    {
      title: 'Webhooks',
      panels: [
        lines('Do webhooks get their events?', {
          says: 'Attempts a second by outcome: delivered, or the code of the failure.',
          unit: 'ops',
          queries: [[rateBy('outcome', 'chaperone_webhook_attempts_total', ofJob), '{{outcome}}']],
          alerts: ['ChaperoneDeliveriesDead'],
        }),
        lines('How long does a delivery take?', {
          says: 'Median and 95th percentile.',
          unit: 's',
          queries: [
            [quantile(0.5, 'chaperone_webhook_attempt_seconds', '', ofJob), 'median'],
            [quantile(0.95, 'chaperone_webhook_attempt_seconds', '', ofJob), '95 %'],
          ],
        }),
        lines('How late do webhooks hear of events?', {
          says: 'From the event until it was delivered: median and 95th percentile.',
          unit: 's',
          queries: [
            [quantile(0.5, 'chaperone_webhook_delivery_lag_seconds', '', ofJob), 'median'],
            [quantile(0.95, 'chaperone_webhook_delivery_lag_seconds', '', ofJob), '95 %'],
          ],
        }),
      ],
    },
    {
      title: 'Workers',
      panels: [
        table('What do the calls of jobs cost?', {
          says: 'In the chosen time, by organization and model, such as analyses of conversations.',
          unit: 'currencyUSD',
          queries: [
            [
              totalBy(
                'organization, gen_ai_request_model',
                'chaperone_cost_usd_total',
                `${ofJob},organization=~"$organization"`,
              ),
              '',
            ],
          ],
        }),
        lines('How much memory does a worker take?', {
          says: 'Of each worker.',
          unit: 'bytes',
          queries: [[`process_resident_memory_bytes{${ofJob}}`, '{{pod}}{{instance}}']],
        }),
        lines('How busy is a worker?', {
          says: 'Processor time, where 100 % is one core.',
          unit: 'percentunit',
          queries: [[`rate(process_cpu_seconds_total{${ofJob}}[$__rate_interval])`, '{{pod}}{{instance}}']],
        }),
      ],
    },
  ],
};
