import { type Static, Type } from 'typebox';
import { ProxyError } from '../../../error.ts';
import { Nullable } from '../../../http/schemas.ts';
import { placeholders } from './placeholders.ts';

const strict = { additionalProperties: false };

/** As crds/analysisconfigs.yaml has it; a test holds the two together. */
const Category = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200, description: 'Its name as results show it.' }),
    description: Type.Optional(Nullable(Type.String({ maxLength: 2_000 }), 'What belongs to it.')),
    examples: Type.Optional(
      Type.Array(Type.String({ maxLength: 2_000 }), {
        maxItems: 100,
        description: 'Words or sentences that belong to it.',
      }),
    ),
  },
  strict,
);

const fields = {
  analysis_type: Type.Enum(['intent', 'sentiment', 'topic', 'custom'], { description: 'What it looks for.' }),
  categories: Type.Array(Category, {
    minItems: 1,
    maxItems: 100,
    description: 'The categories to choose from. No two have one name.',
  }),
  model: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'The model that analyses. Default: gpt-4o-mini.' }),
  ),
  temperature: Type.Optional(
    Type.Number({ minimum: 0, maximum: 2, description: 'The sampling temperature of the analysis. Default: 0.3.' }),
  ),
  include_reasoning: Type.Optional(Type.Boolean({ description: 'Whether results say why. Default: true.' })),
  multi_label: Type.Optional(
    Type.Boolean({ description: 'Whether more than one category may be primary. Default: false.' }),
  ),
  confidence_threshold: Type.Optional(
    Nullable(
      Type.Number({ minimum: 0, maximum: 1 }),
      'The confidence that a primary category must have. Default: 0.5 with multi_label, otherwise none.',
    ),
  ),
  custom_prompt: Type.Optional(
    Nullable(
      Type.String({ minLength: 1, maxLength: 100_000 }),
      'The prompt to use instead of the built-in one; {user_input}, {ai_response} and {categories} are filled in.',
    ),
  ),
};

/** A config as the API's document shows it. */
export const exampleConfig = {
  analysis_type: 'intent' as const,
  categories: [
    {
      name: 'technical_support',
      description: 'Technical issues requiring engineering help',
      examples: ['bug', 'error', 'crash', 'not working'],
    },
    {
      name: 'billing_inquiry',
      description: 'Billing and payment questions',
      examples: ['invoice', 'charge', 'payment', 'subscription'],
    },
  ],
  model: 'gpt-4o-mini',
  temperature: 0.3,
};

/** A config as clients write it. */
export const ConfigBody = Type.Object(fields, { ...strict, example: exampleConfig });
export type ConfigBody = Static<typeof ConfigBody>;

/** What a request says of a config; a saved one may say the rest. Lists are replaced whole. */
export const ConfigOverride = Type.Partial(Type.Object(fields), { ...strict, example: exampleConfig });
export type ConfigOverride = Static<typeof ConfigOverride>;

/** A config as answers show it. */
export const ConfigAnswer = Type.Required(Type.Object(fields));

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
export function checkConfig({ analysis_type, categories, ...rest }: ConfigOverride): ConfigBody {
  if (analysis_type === undefined) throw invalid('config.analysis_type', 'is required');
  if (categories === undefined) throw invalid('config.categories', 'is required');
  checkNames(categories);
  if (rest.custom_prompt != null) checkPlaceholders(rest.custom_prompt);
  return { analysis_type, categories, ...rest };
}

/** The config with the defaults where it says nothing. */
export function completeConfig(config: ConfigBody): AnalysisConfig {
  return {
    analysis_type: config.analysis_type,
    categories: config.categories.map(({ name, description, examples }) => ({
      name,
      description: description ?? null,
      examples: examples ?? [],
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
