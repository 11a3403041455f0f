import type { AnalysisConfig } from '../configs/config.ts';
import type { Finding, Findings } from './findings.ts';

/** What an analysis says, in the form of contract 0. */
export interface Verdict {
  readonly analysis_type: AnalysisConfig['analysis_type'];
  /** An array with `multi_label`; null where no category reaches the threshold. */
  readonly primary_category: string | string[] | null;
  readonly categories: { readonly name: string; readonly confidence: number; readonly reasoning?: string }[];
  /** Of the likeliest category. */
  readonly confidence: number;
  readonly reasoning: string | null;
  readonly metadata: {
    readonly sentiment: string;
    readonly urgency: string;
    readonly topics: string[];
    /** Why there is no primary category, and what a confidence would have to reach. */
    readonly below_threshold?: boolean;
    readonly confidence_threshold?: number;
  };
}

/** "Every category that fits" needs a bound where none is given: likelier than not. */
const multiLabelThreshold = 0.5;

/** Decides which categories are the primary ones. */
export function judge(findings: Findings, config: AnalysisConfig): Verdict {
  const threshold = config.confidence_threshold ?? (config.multi_label ? multiLabelThreshold : 0);
  // What the model rules out altogether is never what the conversation is about.
  const reaching = findings.categories.filter(({ confidence }) => confidence > 0 && confidence >= threshold);
  const { sentiment, urgency, topics } = findings;
  return {
    analysis_type: config.analysis_type,
    primary_category: choosePrimary(reaching, config.multi_label),
    categories: findings.categories.map(({ reasoning, ...finding }) =>
      reasoning === null ? finding : { ...finding, reasoning },
    ),
    confidence: findings.categories[0]?.confidence ?? 0,
    reasoning: findings.reasoning,
    metadata: {
      sentiment,
      urgency,
      topics,
      ...(reaching.length === 0 && { below_threshold: true, confidence_threshold: threshold }),
    },
  };
}

function choosePrimary(reaching: readonly Finding[], isMultiLabel: boolean): Verdict['primary_category'] {
  const [first] = reaching;
  if (!first) return null;
  return isMultiLabel ? reaching.map(({ name }) => name) : first.name;
}
