import { asArray, asObject, asString, type Body, parseObject } from '../../providers/json.ts';
import { readWords, withoutFence } from '../analyses/reply.ts';
import { sentiments } from './prompt.ts';

/** What a model has answered. */
export interface DeskReply {
  readonly isQuestion: boolean;
  readonly wantsHuman: boolean;
  readonly sentiment: (typeof sentiments)[number];
  readonly topics: readonly string[];
  /** Ids of passages that it was given. */
  readonly cited: readonly string[];
  /** The customer's, as ISO 639-1. Undefined: it has not said. */
  readonly language: string | undefined;
  /** Its own estimate, from 0 to 1. */
  readonly confidence: number;
  readonly answer: string;
}

/** What became of a question: a reply, or why there is none. */
export type ReadDeskReply =
  | { readonly reply: DeskReply }
  | { readonly problem: 'upstream_refused' | 'upstream_incomplete' | 'upstream_invalid_response' };

/** What a model may name. */
export interface Known {
  readonly ids: ReadonlySet<string>;
  readonly topics: readonly string[];
}

/** Reads a completion. Not every provider holds its models to a schema, so it is checked as if there were none. */
export function readDeskReply(completion: Body, known: Known): ReadDeskReply {
  const read = readWords(completion);
  if ('problem' in read) return read;
  if (read.isTruncated) return { problem: 'upstream_incomplete' };
  const reply = readFields(parseObject(withoutFence(read.text)), known);
  return reply ? { reply } : { problem: 'upstream_invalid_response' };
}

/** @returns undefined where it is not what was asked for. What the model was not given is left out of the lists */
export function readFields(fields: Body | null, { ids, topics }: Known): DeskReply | undefined {
  if (!fields) return undefined;
  const sentiment = sentiments.find((one) => one === fields.sentiment);
  const { is_question: isQuestion, wants_human: wantsHuman, confidence, answer } = fields;
  if (typeof isQuestion !== 'boolean' || typeof wantsHuman !== 'boolean' || sentiment === undefined) return undefined;
  if (typeof confidence !== 'number' || confidence < 0 || confidence > 100 || typeof answer !== 'string')
    return undefined;
  if (!Array.isArray(fields.topics) || !Array.isArray(fields.cited)) return undefined;
  return {
    ...{ isQuestion, wantsHuman, sentiment, answer: answer.trim() },
    topics: namesOf(fields.topics).filter((topic) => topics.includes(topic)),
    cited: [...new Set(namesOf(fields.cited))].filter((id) => ids.has(id)),
    language: readLanguage(fields.language),
    // In percent: nothing else is anywhere near 2.
    confidence: confidence >= 2 ? confidence / 100 : Math.min(1, confidence),
  };
}

/** `de` of `de`, `DE` or `de-AT`. */
function readLanguage(value: unknown): string | undefined {
  return /^([a-z]{2})([-_]|$)/.exec(asString(value)?.trim().toLowerCase() ?? '')?.[1];
}

function namesOf(values: unknown): string[] {
  return asArray(values).flatMap((value) => asString(value) ?? asString(asObject(value)?.id) ?? []);
}
