import { Type } from 'typebox';
import { notBlank } from '../../../http/not-blank.ts';
import { Nullable } from '../../../http/schemas.ts';
import type { Usage } from '../../../providers/usage.ts';

export const tags = ['Models'];
export const strict = { additionalProperties: false };

export const text = Type.String({ pattern: notBlank, maxLength: 200_000 });

/** @param absent what holds where a request names none */
export function modelField(absent: string) {
  return Type.String({
    pattern: notBlank,
    maxLength: 200,
    description: `An id of \`GET /api/v1/ai/providers\`, or a model. ${absent}`,
  });
}

export const defaultModel = modelField('Absent: the default of that list.');

export const answeringModel = Type.String({ description: 'As the provider names it.' });

const tokens = Nullable(Type.Integer(), 'Null: the provider does not tell.');

export const UsedTokens = Type.Object({ prompt_tokens: tokens, completion_tokens: tokens, total_tokens: tokens });

export function showUsage({ inputTokens, outputTokens, totalTokens }: Usage) {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: totalTokens };
}
