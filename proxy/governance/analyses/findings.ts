import { asArray, asObject, asString, parseObject } from '../../providers/json.ts';
import type { AnalysisConfig } from '../configs/config.ts';
import { urgencies } from './answer-schema.ts';

/** What a model has found in a conversation. */
export interface Findings {
  /** Every category of the config, the likeliest first; of equal ones, the one that the config names first. */
  readonly categories: readonly Finding[];
  readonly reasoning: string | null;
  readonly sentiment: string;
  readonly urgency: string;
  readonly topics: string[];
}

export interface Finding {
  readonly name: string;
  /** From 0 to 1. */
  readonly confidence: number;
  readonly reasoning: string | null;
}

const maxTopics = 20;

/**
 * Reads a model's answer. Not every provider holds its models to a schema, so it is checked as if there were none.
 *
 * @returns undefined where the answer is not what was asked for
 */
export function readFindings(text: string, config: AnalysisConfig): Findings | undefined {
  const answer = parseObject(text);
  const metadata = asObject(answer?.metadata);
  const found = readCategories(answer?.categories, config);
  const sentiment = asString(metadata?.sentiment);
  const urgency = urgencies.find((known) => known === metadata?.urgency);
  const topics = asArray(metadata?.topics).map(asString);
  if (!found || sentiment === null || !urgency || topics.includes(null)) return undefined;
  const reasons = config.include_reasoning;
  return {
    categories: normalise(found, config.multi_label).map((finding) => ({
      ...finding,
      reasoning: reasons ? finding.reasoning : null,
    })),
    reasoning: reasons ? asString(answer?.reasoning) : null,
    sentiment,
    urgency,
    topics: topics.filter((topic) => topic !== null).slice(0, maxTopics),
  };
}

/** One finding a category in the config's order: the surest where one is named twice, 0 where it is not named. */
function readCategories(value: unknown, { categories }: AnalysisConfig): Finding[] | undefined {
  const found = new Map<string, Finding>(
    categories.map(({ name }) => [name, { name, confidence: 0, reasoning: null }]),
  );
  const items = asArray(value);
  if (items.length === 0) return undefined;
  for (const item of items) {
    const { name, confidence, reasoning } = asObject(item) ?? {};
    const known = typeof name === 'string' ? found.get(name) : undefined;
    if (!known || typeof confidence !== 'number' || confidence < 0 || confidence > 100) return undefined;
    if (confidence < known.confidence) continue;
    found.set(known.name, { name: known.name, confidence, reasoning: asString(reasoning) || null });
  }
  return [...found.values()];
}

/**
 * Brings confidences to one scale. A model that was asked for 0 to 1 may still answer in percent: nothing else is
 * anywhere near 2. Where only one category can be the one, confidences that add up to more than 1 are shares of it.
 */
function normalise(findings: readonly Finding[], isMultiLabel: boolean): Finding[] {
  const highest = Math.max(...findings.map(({ confidence }) => confidence));
  const scale = highest >= 2 ? 100 : 1;
  const scaled = findings.map((finding) => ({ ...finding, confidence: Math.min(1, finding.confidence / scale) }));
  const sum = scaled.reduce((total, { confidence }) => total + confidence, 0);
  const divisor = isMultiLabel || sum <= 1 ? 1 : sum;
  return scaled
    .map((finding) => ({ ...finding, confidence: round(finding.confidence / divisor) }))
    .sort((a, b) => b.confidence - a.confidence);
}

function round(confidence: number): number {
  return Math.round(confidence * 10_000) / 10_000;
}
