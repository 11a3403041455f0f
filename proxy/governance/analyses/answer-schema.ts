import type { AnalysisConfig } from '../configs/config.ts';

export const urgencies = ['low', 'medium', 'high'] as const;

/**
 * The JSON schema of a model's answer, within what strict structured outputs allow: every field required, none besides.
 * Names are values of an enumeration, so that no other can come. Bounds of numbers are said in words, since not every
 * provider accepts them in a strict schema. Reasons stand before what they lead to: models write in this order.
 *
 * @see https://platform.openai.com/docs/guides/structured-outputs
 */
export function answerSchema({ categories, include_reasoning }: AnalysisConfig): Record<string, unknown> {
  const reasoning = (description: string) => (include_reasoning ? { reasoning: { type: 'string', description } } : {});
  return strictObject({
    ...reasoning('Why the conversation is to be classified like this.'),
    categories: {
      type: 'array',
      description: 'Each category exactly once.',
      items: strictObject({
        name: { type: 'string', enum: categories.map(({ name }) => name) },
        ...reasoning('Why this category fits or does not.'),
        confidence: { type: 'number', description: 'From 0 to 1.' },
      }),
    },
    metadata: strictObject({
      sentiment: { type: 'string', description: 'The user’s sentiment in a word.' },
      urgency: { type: 'string', enum: urgencies },
      topics: { type: 'array', items: { type: 'string' }, description: 'Up to five topics in snake_case.' },
    }),
  });
}

function strictObject(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}
