import { Type } from 'typebox';
import { Nullable } from '../../../http/schemas.ts';

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

/** What a request says of a config; a saved one may say the rest. Lists are replaced whole. */
export const ConfigOverride = Type.Partial(Type.Object(fields), { ...strict, example: exampleConfig });

/** A config as answers show it. */
export const ConfigAnswer = Type.Required(Type.Object(fields));
