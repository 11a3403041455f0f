import { asArray, asString, type Body, parseObject } from '../../../providers/json.ts';
import { readWords, withoutFence } from '../../analyses/reply.ts';
import { mostAlternatives } from './prompt.ts';

/** What a model has answered. */
export interface ResponseReply {
  readonly category: string;
  /** Ids of passages that it was given. */
  readonly cited: readonly string[];
  /** Its own estimate, from 0 to 1. */
  readonly confidence: number;
  readonly response: string;
  readonly alternatives: readonly string[];
}

/** What became of a question: a reply, or why there is none. */
export type ReadResponse =
  | { readonly reply: ResponseReply }
  | { readonly problem: 'upstream_refused' | 'upstream_incomplete' | 'upstream_invalid_response' };

export interface ResponseTerms {
  /** Of the passages that it was given. */
  readonly ids: ReadonlySet<string>;
  /** Empty: any. */
  readonly categories: readonly string[];
  /** Whether a text says what it must not. */
  readonly leaks: (text: string) => boolean;
}

/** Reads a completion. Not every provider holds its models to a schema, so it is checked as if there were none. */
export function readResponse(completion: Body, terms: ResponseTerms): ReadResponse {
  const read = readWords(completion);
  if ('problem' in read) return read;
  if (read.isTruncated) return { problem: 'upstream_incomplete' };
  const reply = readFields(parseObject(withoutFence(read.text)), terms);
  return reply ? { reply } : { problem: 'upstream_invalid_response' };
}

function readFields(fields: Body | null, { ids, categories, leaks }: ResponseTerms): ResponseReply | undefined {
  if (!fields) return undefined;
  const category = readCategory(fields.category, categories);
  const response = asString(fields.answer)?.trim();
  const { confidence } = fields;
  if (!category || !response || leaks(response)) return undefined;
  if (typeof confidence !== 'number' || confidence < 0 || confidence > 100) return undefined;
  const texts = asArray(fields.alternative_answers).flatMap((one) => asString(one)?.trim() || []);
  return {
    ...{ category, response },
    cited: [...new Set(asArray(fields.cited).flatMap((one) => asString(one) ?? []))].filter((id) => ids.has(id)),
    // In percent: nothing else is anywhere near 2.
    confidence: confidence >= 2 ? confidence / 100 : Math.min(1, confidence),
    alternatives: [...new Set(texts)].filter((text) => text !== response && !leaks(text)).slice(0, mostAlternatives),
  };
}

/** In snake_case. Undefined: it is none of those that there are. */
function readCategory(value: unknown, categories: readonly string[]): string | undefined {
  const stated = asString(value)?.trim() ?? '';
  if (categories.length > 0) return categories.find((one) => one === stated || asName(one) === asName(stated));
  return asName(stated) || undefined;
}

function asName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 100);
}
