import { isDeepStrictEqual } from 'node:util';
import type { CustomKind } from '../../crds/definition.ts';
import type { Condition } from '../../crds/object-meta.ts';
import type { StatusOf } from '../cluster/cluster.ts';

/** One condition as a decision states it. */
export interface Verdict {
  readonly type: string;
  readonly status: boolean;
  /** One word for programs, CamelCase. */
  readonly reason: string;
  /** What is wrong and what to do about it, for people. */
  readonly message: string;
}

/** Why an object is not Ready that cannot be reconciled, since the database is away. */
export const outageReason = 'DatabaseUnavailable';

/** Why an object is not Ready that could not be reconciled again and again, for whatever reason. */
export const failureReason = 'ReconcileFailed';

/** @param cause what failed, in words */
export function describeFailure(cause: string): string {
  return `The last change could not be put in force, and what was stored before stays (${cause}). It is tried again by itself; the operator's log has more.`;
}

/** Why an object is not in force that somebody has switched off: nothing is wrong with it. */
export const inactiveReason = 'Inactive';

/** What passes by itself, or is as somebody wanted it. */
const uneventfulReasons = [inactiveReason, 'OrganizationNotReady', 'WaitingForSidecars', 'WaitingForKeys', 'Rolling'];

/** The type of the Event about a verdict: a Warning is something that a person must act on. */
export function eventTypeOf({ status, reason }: Verdict): 'Normal' | 'Warning' {
  return status || uneventfulReasons.includes(reason) ? 'Normal' : 'Warning';
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

type Status = StatusOf<CustomKind>;

/**
 * Whether a status would change: one that would not is not written. Conditions of types that the next one does not have
 * are somebody else's, and stay as they are.
 */
export function differs(previous: Status | undefined, next: Status): boolean {
  const types = new Set(next.conditions?.map(({ type }) => type));
  const comparable = ({ conditions, ...rest }: Status) => {
    const own = conditions?.filter(({ type }) => types.has(type)).toSorted(byType);
    return JSON.parse(JSON.stringify({ ...rest, conditions: own }));
  };
  return !isDeepStrictEqual(comparable(previous ?? {}), comparable(next));
}

function byType({ type: one }: Condition, { type: other }: Condition): number {
  return one < other ? -1 : 1;
}

/**
 * Whether the condition's reason or status is news, and so worth an Event. That something new is all right at once is
 * none: it is what everybody expects, the condition says so, and a thousand such Events would bury the one that counts.
 */
export function isNews(previous: readonly Condition[] | undefined, verdict: Verdict): boolean {
  const before = previous?.find((condition) => condition.type === verdict.type);
  if (!before) return !verdict.status;
  return before.reason !== verdict.reason || before.status !== (verdict.status ? 'True' : 'False');
}
