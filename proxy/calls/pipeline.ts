import type { AnswerCache } from '../cache/answer-cache.ts';
import type { Link } from '../conversations/links.ts';
import type { Guardrails } from '../guardrails/guardrails.ts';
import type { InFlight } from '../in-flight.ts';
import type { Exchange } from '../providers/exchange.ts';
import type { ProviderTable } from '../providers/table.ts';
import type { Admission } from './admit/admission.ts';
import { makePermit } from './admit/permit.ts';
import { makeUsageRefusals } from './admit/usage-option.ts';
import { makeAnswerCall } from './answer/answer-call.ts';
import { makeAsk } from './ask.ts';
import type { InForce } from './context.ts';
import type { Explain } from './explain/question.ts';
import { makeFindCaller } from './identify/find-caller.ts';
import type { Identify } from './identify/identify.ts';
import type { StallWatch } from './receive/stall-watch.ts';
import type { Reserve } from './reserve/reserve.ts';
import type { RouteHealth } from './route/health.ts';
import { makeRunBody } from './run-body.ts';
import { makeRunForm } from './run-form.ts';
import type { Metrics } from './settle/metrics.ts';
import type { Settlement } from './settle/settlement.ts';
import { traced } from './traces/traced.ts';
import type { Traces } from './traces/traces.ts';

export interface PipelineOptions {
  /** @throws {ProxyError} where no configuration is in force */
  readonly inForce: () => InForce;
  readonly identify: Identify;
  readonly settlement: Settlement;
  /** Resolves when the database's newest configuration is in force here. */
  readonly catchUp: () => Promise<void>;
  readonly admission: Admission;
  readonly reserve: Reserve;
  readonly exchange: Exchange;
  readonly guardrails: Pick<Guardrails, 'check'>;
  readonly cache: Pick<AnswerCache, 'use'>;
  readonly link: Link;
  readonly providers: ProviderTable;
  readonly health: RouteHealth;
  readonly metrics: Metrics;
  readonly drainMs: number;
  readonly stalls: StallWatch;
  readonly inFlight: InFlight;
  readonly explain: Explain;
  readonly traces: Pick<Traces, 'begin'>;
}

export type Pipeline = ReturnType<typeof makePipeline>;

/** The path of a call: identify, admit, reserve, answer, settle. */
export function makePipeline(options: PipelineOptions) {
  const { inForce, identify, admission, reserve, explain, traces } = options;
  const usageRefusals = makeUsageRefusals();
  const permit = makePermit({ ...options, usageRefusals });
  const answerCall = makeAnswerCall(options);
  return {
    authenticate: makeFindCaller(inForce, identify),
    identify,
    permit,
    open: admission.open,
    admit: admission.admit,
    reserve,
    run: traced(traces, makeRunBody({ ...options, permit, answerCall, usageRefusals })),
    runForm: traced(traces, makeRunForm({ ...options, answerCall })),
    ask: makeAsk(options),
    explain,
    traces,
  };
}
