import { asArray, asObject, asString, type Body } from '../../providers/json.ts';
import type { AnalysisConfig } from '../configs/config.ts';
import { type Findings, readFindings } from './findings.ts';

/** What became of a question: the findings, or why there are none. */
export type ReadReply =
  | { readonly findings: Findings }
  | { readonly problem: 'upstream_refused' | 'upstream_incomplete' | 'upstream_invalid_response' };

/** The words of a completion, or that the model refuses to say any. */
export type ReadWords =
  | { readonly text: string; readonly isTruncated: boolean }
  | { readonly problem: 'upstream_refused' };

/** Reads what a model said. */
export function readWords(completion: Body): ReadWords {
  const choice = asObject(asArray(completion.choices)[0]);
  const message = asObject(choice?.message);
  if (asString(message?.refusal) || choice?.finish_reason === 'content_filter') return { problem: 'upstream_refused' };
  return { text: asString(message?.content) ?? '', isTruncated: choice?.finish_reason === 'length' };
}

/** Reads the completion that a model gave. */
export function readReply(completion: Body, config: AnalysisConfig): ReadReply {
  const read = readWords(completion);
  if ('problem' in read) return read;
  if (read.isTruncated) return { problem: 'upstream_incomplete' };
  const findings = readFindings(withoutFence(read.text), config);
  return findings ? { findings } : { problem: 'upstream_invalid_response' };
}

/** Models that are asked in words like to put JSON into a block of code. */
export function withoutFence(content: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n?\s*```\s*$/.exec(content)?.[1] ?? content;
}
