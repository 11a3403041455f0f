/** A page in the menu: the document that it is made from, perhaps a heading of it, and what the menu calls it. */
export type Entry = readonly [document: string, title: string];

export interface Group {
  readonly title: string;
  readonly entries: readonly Entry[];
}

/** The menu, in order. Documents of docs/ that are not in it follow at its end. */
export const navigation: readonly Group[] = [
  {
    title: 'Begin',
    entries: [
      ['README.md', 'What it is'],
      ['README.md#first-call', 'Quickstart'],
      ['docs/kubernetes.md', 'In a cluster'],
      ['docs/clients.md', 'SDKs and clients'],
    ],
  },
  {
    title: 'Concepts',
    entries: [
      ['docs/concepts.md', 'In pictures'],
      ['docs/architecture.md', 'Architecture'],
      ['docs/figures.md', 'Usage and cost'],
      ['docs/conversations.md', 'Conversations'],
      ['docs/architecture.md#glossary', 'Glossary'],
    ],
  },
  {
    title: 'Govern calls',
    entries: [
      ['docs/limits.md', 'Limits and budgets'],
      ['docs/providers.md', 'Providers and fallback'],
      ['docs/models.md', 'Models'],
      ['docs/guardrails.md', 'Guardrails'],
      ['docs/cache.md', 'Cache'],
      ['docs/explain.md', 'Explain and simulate'],
      ['docs/realtime.md', 'Realtime API'],
      ['docs/speech.md', 'Voice sessions'],
    ],
  },
  {
    title: 'Use what was said',
    entries: [
      ['docs/analyses.md', 'Analyses'],
      ['docs/insights.md', 'Insights'],
      ['docs/training.md', 'Training'],
      ['docs/support.md', 'Support desk'],
      ['docs/webhooks.md', 'Webhooks'],
      ['docs/public-api.md', 'Public API'],
    ],
  },
  {
    title: 'Move here',
    entries: [
      ['docs/migrate/openai.md', 'From OpenAI keys'],
      ['docs/migrate/litellm.md', 'From LiteLLM'],
      ['docs/migrate/portkey.md', 'From Portkey'],
      ['docs/comparison.md', 'Comparison with peers'],
    ],
  },
  {
    title: 'The four kinds',
    entries: [
      ['docs/resources/organization.md', 'Organization'],
      ['docs/resources/persona.md', 'Persona'],
      ['docs/resources/apikeybinding.md', 'ApiKeyBinding'],
      ['docs/resources/analysisconfig.md', 'AnalysisConfig'],
    ],
  },
  {
    title: 'API',
    entries: [
      ['docs/api.md', 'Overview'],
      ['docs/api/openai.md', 'OpenAI'],
      ['docs/api/anthropic.md', 'Anthropic'],
      ['docs/api/governance.md', 'Governance'],
      ['docs/api/analyses.md', 'Conversations'],
      ['docs/api/speech.md', 'Voice sessions'],
      ['docs/api/support.md', 'Support'],
      ['docs/api/insights.md', 'Insights'],
      ['docs/reference.md#errors', 'Error codes'],
    ],
  },
  {
    title: 'Operate',
    entries: [
      ['docs/cli.md', 'Commands'],
      ['docs/console.md', 'Console'],
      ['docs/reference.md#metrics', 'Metrics'],
      ['docs/dashboards.md', 'Dashboards and alerts'],
      ['docs/runbooks/README.md', 'Runbooks'],
      ['docs/observability.md', 'Traces and logs'],
      ['docs/reliability.md', 'Reliability'],
      ['docs/requests.md', 'The table of calls'],
      ['docs/scale.md', 'Scale'],
      ['bench/README.md', 'Benchmarks'],
    ],
  },
  {
    title: 'Trust',
    entries: [
      ['docs/security.md', 'Security'],
      ['docs/supply-chain.md', 'Supply chain'],
      ['docs/audit.md', 'Audit log'],
      ['docs/decisions.md', 'Decisions'],
    ],
  },
  {
    title: 'The project',
    entries: [
      ['CHANGELOG.md', 'Changes'],
      ['CONTRIBUTING.md', 'Contributing'],
    ],
  },
];
