import type { ObjectMeta } from '../../crds/object-meta.ts';
import type { Verdict } from '../runtime/conditions.ts';

/** The rotations that annotations request. */
export interface AskedRotations {
  /** Everything issued before this time must be replaced, in milliseconds since 1970. */
  readonly beforeMs: number | undefined;
  /** Everything issued before this time has leaked. */
  readonly distrustBeforeMs: number | undefined;
  readonly problem: Verdict | undefined;
}

const names = { rotate: 'chaperone.dev/rotate', rotateNow: 'chaperone.dev/rotate-now' } as const;

/** Reads the annotations that request an orderly or an emergency rotation. */
export function readAskedRotations({ annotations = {} }: ObjectMeta): AskedRotations {
  const [rotate, now] = [parse(annotations[names.rotate]), parse(annotations[names.rotateNow])];
  const asked = [rotate, now].filter((moment) => moment !== undefined && !Number.isNaN(moment));
  const wrong = Number.isNaN(now) ? names.rotateNow : Number.isNaN(rotate) ? names.rotate : undefined;
  return {
    beforeMs: asked.length === 0 ? undefined : Math.max(...asked.map(Number)),
    distrustBeforeMs: Number.isNaN(now) ? undefined : now,
    problem: wrong && notATime(wrong),
  };
}

function parse(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Date.parse(value);
}

function notATime(annotation: string): Verdict {
  return {
    type: 'CredentialsReady',
    status: false,
    reason: 'RotationNotUnderstood',
    message: `The annotation ${annotation} rotates nothing: it must be a time such as 2027-01-31T12:00:00Z. Everything that was issued before that time is then replaced.`,
  };
}
