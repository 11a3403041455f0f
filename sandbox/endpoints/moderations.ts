import { Fields, missing, wrongType } from '../fields.ts';
import type { Generation, GenerationRequest } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import { moderationId } from '../ids.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { findModelFor } from '../models.ts';
import { errorOfStatus } from '../provider-error.ts';
import { noUsage } from '../usage.ts';

const categories = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/instructions',
  'self-harm/intent',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
];

/** A moderation is free: it is counted without usage. */
export function makeModerations(): GenerativeEndpoint {
  return { path: '/v1/moderations', newId: moderationId, generate };
}

function generate({ id, body, faults }: GenerationRequest): Generation {
  const fields = new Fields(body);
  const model = findModelFor('moderation', fields.string('model') ?? 'omni-moderation-latest');
  const results = readInputs(fields.value('input')).map(judge);
  if (faults.failed) throw errorOfStatus(500);
  return { usage: noUsage, failed: false, answer: { kind: 'whole', body: { id, model: model.snapshot, results } } };
}

/** The texts to judge, one by one. Texts and images in one list of parts are judged together. */
function readInputs(input: JsonValue): string[] {
  if (input === null) throw missing('input');
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input)) throw wrongType('input', 'one of a string or array', input);
  if (input.some(isJsonObject)) {
    return [input.map((part) => (isJsonObject(part) && typeof part.text === 'string' ? part.text : '')).join(' ')];
  }
  return input.map((text, index) => {
    if (typeof text === 'string') return text;
    throw wrongType(`input[${index}]`, 'a string', text);
  });
}

/** Flags a text in the categories that it mentions. */
function judge(text: string): JsonObject {
  const isNamed = (category: string) => text.toLowerCase().includes(category);
  const byCategory = <Value extends JsonValue>(value: (category: string) => Value) =>
    Object.fromEntries(categories.map((category) => [category, value(category)]));
  return {
    flagged: categories.some(isNamed),
    categories: byCategory(isNamed),
    category_scores: byCategory((category) => (isNamed(category) ? 0.99 : 0.01)),
    category_applied_input_types: byCategory(() => ['text']),
  };
}
