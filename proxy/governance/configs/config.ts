import { ProxyError } from '../../error.ts';
import { placeholders } from './placeholders.ts';

/** A config as a caller or a resource states it. Its fields have the names that they are stored with. */
export interface StatedConfig {
  readonly analysis_type: AnalysisConfig['analysis_type'];
  readonly categories: readonly StatedCategory[];
  readonly model?: string | undefined;
  readonly temperature?: number | undefined;
  readonly include_reasoning?: boolean | undefined;
  readonly multi_label?: boolean | undefined;
  readonly confidence_threshold?: number | null | undefined;
  readonly custom_prompt?: string | null | undefined;
}

export interface StatedCategory {
  readonly name: string;
  readonly description?: string | null | undefined;
  readonly examples?: readonly string[] | undefined;
}

/** What a request says of a config; a saved one may say the rest. Lists are replaced whole. */
export type ConfigFields = { readonly [Field in keyof StatedConfig]?: StatedConfig[Field] | undefined };

/** A config with nothing left open: what an analysis works with, what is stored and what is shown. */
export interface AnalysisConfig {
  readonly analysis_type: 'intent' | 'sentiment' | 'topic' | 'custom';
  readonly categories: AnalysisCategory[];
  readonly model: string;
  readonly temperature: number;
  readonly include_reasoning: boolean;
  readonly multi_label: boolean;
  /** Null: none was given. */
  readonly confidence_threshold: number | null;
  readonly custom_prompt: string | null;
}

export interface AnalysisCategory {
  readonly name: string;
  readonly description: string | null;
  readonly examples: string[];
}

/**
 * Checks what no single field's schema can.
 *
 * @throws {ProxyError} `invalid_request` with the field, such as `config.categories[1].name`
 */
export function checkConfig({ analysis_type, categories, ...rest }: ConfigFields): StatedConfig {
  if (analysis_type === undefined) throw invalid('config.analysis_type', 'is required');
  if (categories === undefined) throw invalid('config.categories', 'is required');
  checkNames(categories);
  if (rest.custom_prompt != null) checkPlaceholders(rest.custom_prompt);
  return { analysis_type, categories, ...rest };
}

/** The config with the defaults where it says nothing. */
export function completeConfig(config: StatedConfig): AnalysisConfig {
  return {
    analysis_type: config.analysis_type,
    categories: config.categories.map(({ name, description, examples }) => ({
      name,
      description: description ?? null,
      examples: [...(examples ?? [])],
    })),
    model: config.model ?? 'gpt-4o-mini',
    temperature: config.temperature ?? 0.3,
    include_reasoning: config.include_reasoning ?? true,
    multi_label: config.multi_label ?? false,
    confidence_threshold: config.confidence_threshold ?? null,
    custom_prompt: config.custom_prompt ?? null,
  };
}

/** The same text for configs that ask for the same, to find results by. */
export function canonicalConfig(config: AnalysisConfig): string {
  return JSON.stringify([
    config.analysis_type,
    config.categories.map(({ name, description, examples }) => [name, description, examples]),
    config.model,
    config.temperature,
    config.include_reasoning,
    config.multi_label,
    config.confidence_threshold,
    config.custom_prompt,
  ]);
}

function checkNames(categories: readonly { readonly name: string }[]): void {
  const names = categories.map(({ name }) => name);
  const second = names.findIndex((name, index) => names.indexOf(name) < index);
  if (second === -1) return;
  throw invalid(`config.categories[${second}].name`, `is ${JSON.stringify(names[second])} a second time`);
}

function checkPlaceholders(prompt: string): void {
  const unknown = placeholders(prompt).find(({ isKnown }) => !isKnown);
  if (!unknown) return;
  throw invalid(
    'config.custom_prompt',
    `has the unknown placeholder {${unknown.name.slice(0, 100)}}; there are {user_input}, {ai_response} and {categories}`,
  );
}

function invalid(param: string, problem: string): ProxyError {
  return new ProxyError('invalid_request', { param, message: `${param} ${problem}` });
}
