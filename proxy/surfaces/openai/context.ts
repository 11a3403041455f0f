import type { Audit } from '../../audit/audit.ts';
import type { BackgroundWatch } from '../../calls/background/watch.ts';
import type { InForce } from '../../calls/context.ts';
import type { HeldAnswers } from '../../calls/held/held-answers.ts';
import type { ModelRules } from '../../calls/models/model-rules.ts';
import type { Pipeline } from '../../calls/pipeline.ts';
import type { Ownership } from '../../calls/resources/ownership.ts';
import type { Metrics } from '../../calls/settle/metrics.ts';
import type { Origin } from '../../calls/settle/record.ts';
import type { Guardrails } from '../../guardrails/guardrails.ts';
import type { KitContext } from '../../http/surface.ts';
import type { Exchange } from '../../providers/exchange.ts';
import type { ProviderTable } from '../../providers/table.ts';

/** What the OpenAI API works with. */
export interface OpenAiContext extends KitContext {
  readonly pipeline: Pipeline;
  readonly audit: Audit;
  readonly inForce: () => InForce;
  readonly ownership: Ownership;
  readonly background: BackgroundWatch;
  readonly exchange: Exchange;
  readonly guardrails: Guardrails;
  readonly heldAnswers: HeldAnswers;
  readonly providers: ProviderTable;
  readonly metrics: Metrics;
  readonly modelRules: ModelRules;
  /** The pod of this proxy's calls. */
  readonly origin: Origin | undefined;
}
