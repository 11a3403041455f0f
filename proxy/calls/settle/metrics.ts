import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { AccumulatedCounter, AccumulatedHistogram, Sum } from './accumulators.ts';

/**
 * The proxy's metrics. OpenTelemetry's GenAI names in Prometheus form, with the buckets that its conventions advise,
 * and `chaperone_*` for everything else. No label has free text from a caller.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
 */
export type Metrics = ReturnType<typeof makeMetrics>;

/**
 * `kind` is `call` or `analysis`, as in the records and in analytics. A worker's calls are of several organizations, so
 * each names its own. A proxy has one, which is a label of all its metrics (`nameOrganization`).
 */
const request = [
  'organization',
  'kind',
  'gen_ai_operation_name',
  'gen_ai_provider_name',
  'gen_ai_request_model',
] as const;
const call = [...request, 'gen_ai_response_model'] as const;
const durationBuckets = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const tokenBuckets = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];
const firstTokenBuckets = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const perTokenBuckets = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];

export interface MetricsOptions {
  /** The pod that the process serves. */
  readonly origin?: { readonly namespace: string; readonly workload: string } | undefined;
  /** Of this program. */
  readonly version?: string | undefined;
  readonly component?: 'proxy' | 'worker';
}

export function makeMetrics({ origin, version = 'unknown', component = 'proxy' }: MetricsOptions = {}) {
  const registry = new Registry();
  registry.setDefaultLabels({ ...origin });
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // These gauges are named like totals. The same figures by type stay.
  for (const kind of ['handles', 'requests', 'resources']) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  new Gauge({
    name: 'chaperone_build_info',
    help: 'Always 1. The labels have the version.',
    labelNames: ['component', 'version', 'node'],
    registers,
  }).set({ component, version, node: process.versions.node }, 1);
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });
  const callHistogram = <L extends string>(name: string, help: string, labelNames: readonly L[], buckets: number[]) =>
    new AccumulatedHistogram({ name, help, labelNames, buckets, registers });
  const callCounter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new AccumulatedCounter({ name, help, labelNames, registers });
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const callGauge = (name: string, help: string) => {
    const sum = new Sum();
    const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(sum.value) });
    return sum;
  };
  return {
    registry,
    /** Adds the organization's name to everything that the process measures, where it serves only one. */
    nameOrganization: (organization: string) => registry.setDefaultLabels({ ...origin, organization }),
    tokenUsage: callHistogram(
      'gen_ai_client_token_usage',
      'Tokens of a call, as the provider counted them.',
      [...call, 'gen_ai_token_type'],
      tokenBuckets,
    ),
    operationDuration: callHistogram(
      'gen_ai_client_operation_duration_seconds',
      'How long calls took, from the arrival of the request to the end of the answer.',
      [...call, 'error_type'],
      durationBuckets,
    ),
    serverDuration: callHistogram(
      'gen_ai_server_request_duration_seconds',
      'How long the provider took, from sending the request to the end of its answer.',
      [...call, 'error_type'],
      durationBuckets,
    ),
    timeToFirstToken: callHistogram(
      'gen_ai_server_time_to_first_token_seconds',
      'How long streams took to their first token.',
      call,
      firstTokenBuckets,
    ),
    timePerOutputToken: callHistogram(
      'gen_ai_server_time_per_output_token_seconds',
      'How long streams took for each token after the first.',
      call,
      perTokenBuckets,
    ),
    calls: callCounter('chaperone_calls_total', 'Calls, by status. Those that the cache answered are among them.', [
      ...request,
      'status',
    ]),
    cost: callCounter('chaperone_cost_usd_total', 'Cost of calls in US dollars, by price list.', request),
    unpriced: callCounter('chaperone_unpriced_calls_total', 'Billed calls without a known usage or price.', request),
    usageMismatches: callCounter(
      'chaperone_usage_mismatches_total',
      'Calls whose input and output tokens do not add up to the total that the provider reported. They are unpriced.',
      request,
    ),
    implausible: callCounter(
      'chaperone_implausible_usage_total',
      'Calls with an implausible figure from the provider. The figure becomes unknown, and the call unpriced.',
      request,
    ),
    failedAttempts: counter(
      'chaperone_failed_attempts_total',
      'Requests to providers that failed and that another one replaced, by kind of failure. They are not among the calls.',
      ['gen_ai_provider_name', 'kind'],
    ),
    circuits: new Gauge({
      name: 'chaperone_circuit_open',
      help: 'Whether calls avoid a provider, or one of its keys, after failures in a row: 1 or 0.',
      labelNames: ['gen_ai_provider_name', 'scope', 'api_key_id'],
      registers,
    }),
    images: callCounter('chaperone_images_total', 'Generated images.', request),
    audioSeconds: callCounter('chaperone_audio_seconds_total', 'Length of input audio.', request),
    characters: callCounter('chaperone_characters_total', 'Characters of generated speech.', request),
    aliasCalls: counter(
      'chaperone_model_alias_calls_total',
      'Calls that asked for their model by an alias, by the model that it stood for, and by X-Optimization-Level.',
      ['alias', 'gen_ai_request_model', 'level'],
    ),
    ceilings: counter(
      'chaperone_ceilings_reached_total',
      'Fields of calls that a ceiling has set (Lower) or because of which it refused the call (Refuse).',
      ['ceiling', 'field', 'action'],
    ),
    refused: counter('chaperone_refused_calls_total', 'Requests that the proxy refused, by error code.', ['code']),
    deprecatedRequests: counter(
      'chaperone_deprecated_requests_total',
      'Requests to deprecated routes, by the route of spec.deprecations and by the caller.',
      ['route', 'caller'],
    ),
    limited: counter(
      'chaperone_limited_calls_total',
      'Calls that a limit, budget or tier refused, by its name. Where it only reports: calls that it would have refused.',
      ['limit', 'kind', 'enforced'],
    ),
    quotaWaits: counter('chaperone_quota_waits_total', 'Calls that waited until the database had leased more to them.'),
    quotaFailures: counter('chaperone_quota_failures_total', 'Failed attempts to lease what limits and budgets allow.'),
    guardrailHits: counter(
      'chaperone_guardrail_hits_total',
      'Calls in which a guardrail found something, by rule, detector, side (Input or Output) and action. The action Error: it could not do its work.',
      ['rule', 'detector', 'side', 'action'],
    ),
    heldAnswers: counter(
      'chaperone_held_answers_total',
      'Answers that a guardrail keeps from their caller until a person releases them, by rule.',
      ['rule'],
    ),
    cacheRequests: callCounter(
      'chaperone_cache_requests_total',
      'Calls of an organization with a cache, by result: hit, miss or bypass (the call is not for the cache).',
      ['gen_ai_operation_name', 'gen_ai_request_model', 'result'],
    ),
    avoidedCost: callCounter(
      'chaperone_cache_avoided_cost_usd_total',
      'What providers would have billed for the answers from the cache, in US dollars, where their price is known.',
      request,
    ),
    cacheSavings: callCounter(
      'chaperone_cache_savings_usd_total',
      'Half of it: the estimate of savings that the API of sessions states, in US dollars.',
      request,
    ),
    cacheFailures: counter(
      'chaperone_cache_failures_total',
      'Failed attempts to find or keep an answer in the database. Such calls are misses.',
    ),
    cacheBytes: gauge('chaperone_cache_memory_bytes', 'Answers of the cache that are in memory.'),
    linked: callCounter(
      'chaperone_conversation_links_total',
      'Calls that were linked to a conversation: it began, continued, forked, went on after its history was shortened (compacted), is one of the Conversations API (conversation), or what it continues was not known here (unknown).',
      ['link'],
    ),
    conversationLookUps: counter(
      'chaperone_conversation_look_ups_total',
      'Look-ups in the database of what a call continues: found, missing, late (the answer was there first) or failed.',
      ['result'],
    ),
    openSockets: gauge('chaperone_open_sockets', 'Open sessions over WebSockets.'),
    socketSessions: counter('chaperone_socket_sessions_total', 'Sessions over WebSockets that were opened, by API.', [
      'kind',
    ]),
    socketEvents: counter(
      'chaperone_socket_events_total',
      'Events of such sessions, by API, by side (client or provider), and whether they came from it (in) or went to it (out).',
      ['kind', 'side', 'direction'],
    ),
    socketBytes: counter('chaperone_socket_bytes_total', 'Bytes of such events.', ['kind', 'side', 'direction']),
    relayed: counter(
      'chaperone_relayed_requests_total',
      'Requests about stored resources, by resource, method and status of the answer.',
      ['resource', 'method', 'status'],
    ),
    modelLists: counter(
      'chaperone_model_lists_total',
      'Model lists of providers, by result: listed, none (the provider has no list), failed, or remembered (an earlier list was used).',
      ['gen_ai_provider_name', 'result'],
    ),
    analyses: counter(
      'chaperone_analysis_requests_total',
      'Requests for an analysis, by result: hit (stored before), coalesced (waited for a running one) or miss (made).',
      ['result'],
    ),
    issuerFetches: counter(
      'chaperone_issuer_key_fetches_total',
      'Requests to token issuers for their public keys, by result: success or failure.',
      ['issuer', 'outcome'],
    ),
    overhead: callHistogram(
      'chaperone_overhead_seconds',
      'Time that the proxy took before it sent a call upstream.',
      [],
      [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1],
    ).of({}),
    activeCalls: callGauge('chaperone_active_calls', 'Calls that are running.'),
    inFlightBytes: gauge('chaperone_in_flight_bytes', 'Memory that counts against the limit of bodies in flight.'),
    spans: counter(
      'chaperone_trace_spans_total',
      'Spans of traces, by result: exported, rejected (by the collector), failed (it could not be reached), or dropped (too many waited).',
      ['result'],
    ),
    auditEntries: counter(
      'chaperone_audit_entries_total',
      'Entries that this proxy has written for the audit log, by kind.',
      ['kind'],
    ),
    auditWaiting: gauge('chaperone_audit_waiting', 'Entries that wait to be appended to the audit log.'),
    spoolDepth: gauge('chaperone_spool_depth', 'Records that wait to be copied to the database.'),
    spoolAge: gauge('chaperone_spool_oldest_age_seconds', 'Age of the oldest waiting record, or 0.'),
    spoolShipped: counter('chaperone_spool_shipped_total', 'Records copied to the database.'),
    spoolFailures: counter('chaperone_spool_failures_total', 'Failed attempts to copy records to the database.'),
    spoolWriteFailures: counter(
      'chaperone_spool_write_failures_total',
      'Settlements that could not be written to the volume at first.',
    ),
    spoolSetAside: counter(
      'chaperone_spool_set_aside_total',
      'Records that were set aside, so that the others arrive: the database refused them, or they are damaged on the volume.',
      ['reason'],
    ),
    snapshotVersion: gauge('chaperone_snapshot_version', 'Version of the configuration that is in force.'),
    snapshotPropagation: histogram(
      'chaperone_snapshot_propagation_seconds',
      "Time from a change of the configuration in the database, by the database's clock, until it was in force here.",
      [],
      [0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300],
    ),
    snapshotAge: gauge(
      'chaperone_snapshot_age_seconds',
      'Time since the configuration was last confirmed to be the newest.',
    ),
  };
}
