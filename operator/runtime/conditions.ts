import { isDeepStrictEqual } from 'node:util';
import type { CustomKind } from '../../crds/definition.ts';
import type { Condition } from '../../crds/object-meta.ts';
import type { StatusOf } from '../cluster/cluster.ts';

/** A condition, as a decision states it. */
export interface Verdict {
  readonly type: string;
  readonly status: boolean;
  /** One word for programs, CamelCase. */
  readonly reason: string;
  /** What is wrong and what to do about it, for people. */
  readonly message: string;
}

/** The reason of `Ready=False` while the database cannot be used. */
export const outageReason = 'DatabaseUnavailable';

/** The reason of `Ready=False` where reconciling has failed repeatedly, for any cause. */
export const failureReason = 'ReconcileFailed';

/** @param cause what failed, in words */
export function describeFailure(cause: string): string {
  return `The last change could not be applied, so what was stored before stays in force (${cause}). The operator tries again by itself. Its log has more.`;
}

/** The reason of `Ready=False` for an object that somebody has switched off. Nothing is wrong with it. */
export const inactiveReason = 'Inactive';

/** Reasons that pass by themselves, or that somebody wanted. */
const uneventfulReasons = [inactiveReason, 'OrganizationNotReady', 'WaitingForSidecars', 'WaitingForKeys', 'Rolling'];

/** The type of the Event about a verdict. A Warning is for something that a person must act on. */
export function eventTypeOf({ status, reason }: Verdict): 'Normal' | 'Warning' {
  return status || uneventfulReasons.includes(reason) ? 'Normal' : 'Warning';
}

/** Makes conditions from verdicts. A condition keeps its last transition time unless its status has changed. */
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
 * Whether a status would change and so must be written. Conditions whose type is not in `next` belong to another writer
 * and are ignored.
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
 * Whether the condition's reason or status is new, and so worth an Event. A new object that is fine at once gets no
 * Event: everybody expects that, the condition says so, and a thousand such Events would hide the important one.
 */
export function isNews(previous: readonly Condition[] | undefined, verdict: Verdict): boolean {
  const before = previous?.find((condition) => condition.type === verdict.type);
  if (!before) return eventTypeOf(verdict) === 'Warning';
  // So it was set up, as it was to be.
  if (verdict.status && before.reason === 'OrganizationNotReady') return false;
  return before.reason !== verdict.reason || before.status !== (verdict.status ? 'True' : 'False');
}
