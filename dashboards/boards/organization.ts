import type { Board } from '../board.ts';
import { figure, lines, table } from '../panel.ts';
import { chosen, quantile, rateBy, totalBy } from '../promql.ts';
import { proxyVariables } from './variables.ts';

const model = 'gen_ai_request_model';
const provider = 'gen_ai_provider_name';
const ofOrganization = 'organization=~"$organization"';
const hourly = (expr: string) => `${expr} * 3600`;

/** For who answers for an organization: what it spends, on what, and what its rules do. */
export const organizationBoard: Board = {
  name: 'organization',
  title: 'Chaperone: organization',
  says: 'What an organization spends and on what, how much of its budgets and limits is used, and what its rules do. The exact figures of an invoice are in the database: docs/figures.md.',
  variables: proxyVariables,
  rows: [
    {
      title: 'In the chosen time',
      panels: [
        figure('What did calls cost?', {
          says: 'By the price list, in US dollars. Calls without a known price are not in it.',
          unit: 'currencyUSD',
          queries: [[totalBy('', 'chaperone_cost_usd_total'), '']],
        }),
        figure('How many calls were made?', {
          says: 'Calls that ended, whatever their end. Those that the cache answered are among them.',
          unit: 'short',
          queries: [[totalBy('', 'chaperone_calls_total'), '']],
        }),
        figure('How many tokens were used?', {
          says: 'Input and output, as providers counted them.',
          unit: 'short',
          queries: [[totalBy('', 'gen_ai_client_token_usage_sum'), '']],
        }),
        figure('How many calls have no known cost?', {
          says: 'Billed calls without a known usage or price. A budget cannot count them: state their price in spec.prices.',
          unit: 'short',
          queries: [[totalBy('', 'chaperone_unpriced_calls_total'), '']],
          limits: [1, 100],
          alerts: ['ChaperoneCallsUnpriced'],
        }),
        figure('What did the cache avoid?', {
          says: 'What providers would have billed for the answers from the cache.',
          unit: 'currencyUSD',
          queries: [[totalBy('', 'chaperone_cache_avoided_cost_usd_total'), '']],
        }),
        figure('How full is the fullest budget?', {
          says: 'Of all budgets of the organization and its bindings. 100 % is all of it.',
          unit: 'percentunit',
          queries: [[`max(chaperone_budget_used_ratio{${ofOrganization}})`, '']],
          limits: [0.8, 0.95],
          alerts: ['ChaperoneBudgetNearlyUsed', 'ChaperoneBudgetRunsOut'],
        }),
      ],
    },
    {
      title: 'Spend',
      panels: [
        lines('What do calls cost an hour, by model?', {
          says: 'The cost of the calls that end, as dollars an hour.',
          unit: 'currencyUSD',
          queries: [[hourly(rateBy(model, 'chaperone_cost_usd_total')), `{{${model}}}`]],
        }),
        lines('What do calls cost an hour, by workload?', {
          says: 'Calls that a worker makes for analyses have no workload.',
          unit: 'currencyUSD',
          queries: [[hourly(rateBy('namespace, workload', 'chaperone_cost_usd_total')), '{{namespace}}/{{workload}}']],
        }),
        lines('What do calls cost an hour, by provider?', {
          says: 'By the name of the provider in the Organization.',
          unit: 'currencyUSD',
          queries: [[hourly(rateBy(provider, 'chaperone_cost_usd_total')), `{{${provider}}}`]],
        }),
        table('Which models cost most?', {
          says: 'Cost in the chosen time by model, provider and kind (call, or analysis).',
          unit: 'currencyUSD',
          queries: [[`topk(20, ${totalBy(`${model}, ${provider}, kind`, 'chaperone_cost_usd_total')})`, '']],
        }),
        lines('How many tokens an hour, by model and type?', {
          says: 'As providers counted them. Answers from the cache use none.',
          unit: 'short',
          queries: [
            [
              hourly(rateBy(`${model}, gen_ai_token_type`, 'gen_ai_client_token_usage_sum')),
              `{{${model}}} {{gen_ai_token_type}}`,
            ],
          ],
        }),
        lines('How many tokens has a call?', {
          says: 'The median and the 95th percentile of calls, by type of token.',
          unit: 'short',
          queries: [
            [quantile(0.5, 'gen_ai_client_token_usage', 'gen_ai_token_type'), '{{gen_ai_token_type}}, median'],
            [quantile(0.95, 'gen_ai_client_token_usage', 'gen_ai_token_type'), '{{gen_ai_token_type}}, 95 %'],
          ],
        }),
        lines('Which calls are made, by operation?', {
          says: 'Calls a second by operation and status.',
          unit: 'reqps',
          queries: [
            [rateBy('gen_ai_operation_name, status', 'chaperone_calls_total'), '{{gen_ai_operation_name}}, {{status}}'],
          ],
        }),
        lines('How much beside tokens is made an hour?', {
          says: 'Generated images, seconds of audio that was given, and characters that were spoken.',
          unit: 'short',
          queries: [
            [hourly(rateBy(model, 'chaperone_images_total')), `{{${model}}}: images`],
            [hourly(rateBy(model, 'chaperone_audio_seconds_total')), `{{${model}}}: seconds of audio`],
            [hourly(rateBy(model, 'chaperone_characters_total')), `{{${model}}}: characters`],
          ],
        }),
        lines('Which calls have no known cost, and why?', {
          says: 'Calls a second without a price, with figures that do not add up, and with implausible figures.',
          unit: 'reqps',
          queries: [
            [rateBy(model, 'chaperone_unpriced_calls_total'), `{{${model}}}: unpriced`],
            [rateBy(model, 'chaperone_usage_mismatches_total'), `{{${model}}}: does not add up`],
            [rateBy(model, 'chaperone_implausible_usage_total'), `{{${model}}}: implausible`],
          ],
          alerts: ['ChaperoneCallsUnpriced'],
        }),
      ],
    },
    {
      title: 'Budgets and limits',
      panels: [
        lines('How much of each budget is used?', {
          says: 'Of a budget per user or the like, the one that is used most. It begins anew with its window.',
          unit: 'percentunit',
          queries: [
            [
              `max by (organization, binding, budget) (chaperone_budget_used_ratio{${ofOrganization}})`,
              '{{organization}} {{binding}} {{budget}}',
            ],
          ],
          limits: [0.8, 0.95],
          alerts: ['ChaperoneBudgetNearlyUsed'],
        }),
        lines('How much of each budget will be used in a day?', {
          says: 'If it goes on as in the last six hours. Above 100 % the budget runs out.',
          unit: 'percentunit',
          queries: [
            [
              `clamp_min(max by (organization, binding, budget) (predict_linear(chaperone_budget_used_ratio{${ofOrganization}}[6h], 86400)), 0)`,
              '{{organization}} {{binding}} {{budget}}',
            ],
          ],
          limits: [0.9, 1],
          alerts: ['ChaperoneBudgetRunsOut'],
        }),
        table('Which budgets have warned?', {
          says: 'The percentages of warnAt that were reached in the chosen time, each once in a window.',
          unit: 'short',
          queries: [
            [
              `sum by (organization, binding, budget, percent) (increase(chaperone_budget_warnings_total{${ofOrganization}}[$__range])) > 0`,
              '',
            ],
          ],
        }),
        lines('Which limits and budgets refuse calls?', {
          says: 'Refused calls a second. With enforced=false the rule only reports.',
          unit: 'reqps',
          queries: [
            [
              rateBy('kind, limit, enforced', 'chaperone_limited_calls_total'),
              '{{kind}} {{limit}}, enforced={{enforced}}',
            ],
          ],
          alerts: ['ChaperoneLimitsRefuse'],
        }),
        lines('Do calls wait for limits to be counted?', {
          says: 'Calls a second that waited for a lease from the database, and leases that failed.',
          unit: 'reqps',
          queries: [
            [rateBy('workload', 'chaperone_quota_waits_total'), '{{workload}}: waited'],
            [rateBy('workload', 'chaperone_quota_failures_total'), '{{workload}}: failed'],
          ],
          alerts: ['ChaperoneLeasesFail'],
        }),
        lines('Which calls are refused, and why?', {
          says: 'Refusals of the proxy a second, by error code: docs/reference.md explains each.',
          unit: 'reqps',
          queries: [[rateBy('code', 'chaperone_refused_calls_total'), '{{code}}']],
        }),
      ],
    },
    {
      title: 'Rules',
      panels: [
        lines('What do guardrails find?', {
          says: 'Findings a second by rule, side and action. The action Error means that the rule could not do its work.',
          unit: 'reqps',
          queries: [
            [
              rateBy('rule, detector, side, action', 'chaperone_guardrail_hits_total'),
              '{{rule}} ({{detector}}), {{side}}: {{action}}',
            ],
          ],
          alerts: ['ChaperoneGuardrailFails'],
        }),
        lines('Which guardrails hold answers for people?', {
          says: 'Answers a second that wait in the review queue until a person releases them, by rule.',
          unit: 'reqps',
          queries: [[rateBy('rule', 'chaperone_held_answers_total'), '{{rule}}']],
        }),
        lines('Which ceilings do calls reach?', {
          says: 'Fields a second that a ceiling has lowered, or because of which it has refused a call.',
          unit: 'reqps',
          queries: [
            [
              rateBy('ceiling, field, action', 'chaperone_ceilings_reached_total'),
              '{{ceiling}}: {{field}}, {{action}}',
            ],
          ],
        }),
        lines('Which aliases are used, for which models?', {
          says: 'Calls a second that asked for a model by an alias.',
          unit: 'reqps',
          queries: [
            [
              rateBy(`alias, ${model}, level`, 'chaperone_model_alias_calls_total'),
              `{{alias}} {{level}} → {{${model}}}`,
            ],
          ],
        }),
      ],
    },
    {
      title: 'Cache',
      panels: [
        lines('Which share of calls does the cache answer?', {
          says: 'Of the calls that the cache may answer.',
          unit: 'percentunit',
          queries: [
            [
              `${rateBy(model, 'chaperone_cache_requests_total', `${chosen},result="hit"`)} / ${rateBy(model, 'chaperone_cache_requests_total', `${chosen},result=~"hit|miss"`)}`,
              `{{${model}}}`,
            ],
          ],
        }),
        lines('What does the cache do with calls?', {
          says: 'Calls a second by result. bypass: the call is not for the cache. failure: it could not use the database.',
          unit: 'reqps',
          queries: [
            [rateBy('result', 'chaperone_cache_requests_total'), '{{result}}'],
            [rateBy('workload', 'chaperone_cache_failures_total'), '{{workload}}: failure'],
          ],
        }),
        lines('What does the cache save an hour?', {
          says: 'What providers would have billed, and half of it: the estimate that the API of sessions states.',
          unit: 'currencyUSD',
          queries: [
            [hourly(rateBy(model, 'chaperone_cache_avoided_cost_usd_total')), `{{${model}}}: avoided`],
            [hourly(rateBy(model, 'chaperone_cache_savings_usd_total')), `{{${model}}}: savings`],
          ],
        }),
      ],
    },
    {
      title: 'Use',
      panels: [
        lines('How do calls belong to conversations?', {
          says: 'Calls a second by how they continue a conversation.',
          unit: 'reqps',
          queries: [[rateBy('link', 'chaperone_conversation_links_total'), '{{link}}']],
        }),
        lines('Who still uses what is deprecated?', {
          says: 'Requests a second to routes of spec.deprecations, by the namespace of a workload, or token.',
          unit: 'reqps',
          queries: [[rateBy('route, caller', 'chaperone_deprecated_requests_total'), '{{route}}: {{caller}}']],
        }),
        lines('Which stored resources are asked for?', {
          says: 'Requests a second for files, responses, conversations and the like, by status.',
          unit: 'reqps',
          queries: [
            [
              rateBy('resource, method, status', 'chaperone_relayed_requests_total'),
              '{{method}} {{resource}}, {{status}}',
            ],
          ],
        }),
        lines('How many analyses are asked for?', {
          says: 'Requests a second by result: hit was stored before, coalesced waited for a running one, miss was made.',
          unit: 'reqps',
          queries: [[rateBy('result', 'chaperone_analysis_requests_total'), '{{result}}']],
        }),
        lines('How many sessions over WebSockets are open?', {
          says: 'The Realtime API and the Responses API over a WebSocket.',
          unit: 'short',
          queries: [
            [`sum by (workload) (chaperone_open_sockets{${chosen}})`, '{{workload}}: open'],
            [hourly(rateBy('kind', 'chaperone_socket_sessions_total')), '{{kind}}: opened an hour'],
          ],
        }),
        lines('What passes over WebSockets?', {
          says: 'Bytes and events a second, by side and direction.',
          unit: 'short',
          queries: [
            [
              rateBy('kind, side, direction', 'chaperone_socket_bytes_total'),
              '{{kind}}, {{side}} {{direction}}: bytes',
            ],
            [
              rateBy('kind, side, direction', 'chaperone_socket_events_total'),
              '{{kind}}, {{side}} {{direction}}: events',
            ],
          ],
        }),
      ],
    },
  ],
};
