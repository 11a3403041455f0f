import type { Detector, Match } from '../../../../../proxy/guardrails/detect/detector.ts';
import type { Item, Span } from './corpus.ts';

/** How well a detector finds what it ought to. */
export interface Score {
  readonly expected: number;
  readonly precision: number;
  readonly recall: number;
}

/** Kinds whose ends are a matter of opinion: that a match overlaps is enough. All others must be found exactly. */
const approximate: readonly string[] = ['address', 'name'];

export interface Judgement {
  /** By kind; secrets are one kind. */
  readonly scores: ReadonlyMap<string, Score>;
  /** What was missed, or found although it is not there, with its text. For whoever works on the detectors. */
  readonly mistakes: readonly string[];
}

export function judge(detector: Detector, items: readonly Item[]): Judgement {
  const counts = new Map<string, { expected: number; found: number; right: number }>();
  const mistakes: string[] = [];
  const countOf = (kind: string) => {
    const name = detector.name === 'secrets' ? 'secret' : kind;
    const count = counts.get(name) ?? { expected: 0, found: 0, right: 0 };
    counts.set(name, count);
    return count;
  };
  for (const { text, spans } of items) {
    const expected = spans.filter((span) => span.detector === detector.name && detector.kinds.includes(span.kind));
    const matches = detector.scan(text);
    for (const { kind } of matches) countOf(kind).found += 1;
    for (const span of expected) {
      const count = countOf(span.kind);
      count.expected += 1;
      if (matches.some((match) => isRight(match, span))) count.right += 1;
      else mistakes.push(`missed ${span.kind} ${text.slice(span.start, span.end)} in ${text}`);
    }
    for (const match of matches) {
      if (expected.some((span) => isRight(match, span))) continue;
      mistakes.push(`wrong ${match.kind} ${text.slice(match.start, match.end)} in ${text}`);
    }
  }
  const scores = [...counts].map(([kind, { expected, found, right }]) => {
    return [kind, { expected, precision: found === 0 ? 1 : right / found, recall: right / expected }] as const;
  });
  return { scores: new Map(scores), mistakes };
}

function isRight(match: Match, span: Span): boolean {
  if (match.kind !== span.kind) return false;
  if (approximate.includes(span.kind)) return match.start < span.end && match.end > span.start;
  return match.start === span.start && match.end === span.end;
}
