import { isDeepStrictEqual } from 'node:util';
import type { Condition } from '../../crds/object-meta.ts';

/** One condition as a decision states it. */
export interface Verdict {
  readonly type: string;
  readonly status: boolean;
  /** One word for programs, CamelCase. */
  readonly reason: string;
  /** What is wrong and what to do about it, for people. */
  readonly message: string;
}

/** The verdicts as conditions: each keeps the time of its last transition unless its status has changed. */
export function toConditions(
  verdicts: readonly Verdict[],
  previous: readonly Condition[] | undefined,
  generation: number,
  now: Date,
): Condition[] {
  return verdicts.map(({ type, status, reason, message }) => {
    const before = previous?.find((condition) => condition.type === type);
    const next = status ? 'True' : 'False';
    return {
      type,
      status: next,
      observedGeneration: generation,
      lastTransitionTime:
        before?.status === next ? before.lastTransitionTime : now.toISOString().replace(/\.\d+Z$/, 'Z'),
      reason,
      message,
    };
  });
}

/** Whether a status would change: one that would not is not written. */
export function differs(previous: object | undefined, next: object): boolean {
  return !isDeepStrictEqual(JSON.parse(JSON.stringify(previous ?? {})), JSON.parse(JSON.stringify(next)));
}

/** Whether the condition's reason or status is news, and so worth an Event. */
export function isNews(previous: readonly Condition[] | undefined, verdict: Verdict): boolean {
  const before = previous?.find((condition) => condition.type === verdict.type);
  return before?.reason !== verdict.reason || before.status !== (verdict.status ? 'True' : 'False');
}
