import { findUnstorable } from '../database/storable.ts';
import type { Verdict } from './runtime/conditions.ts';

/**
 * Finds what PostgreSQL cannot store in a spec that the API server accepts. Undefined where it can store everything.
 */
export function judgeStorable(spec: object): Verdict | undefined {
  const found = findUnstorable(spec);
  if (!found) return undefined;
  return {
    type: 'Ready',
    status: false,
    reason: 'NotStorable',
    message: `spec${found.place.slice(0, 200)} ${found.reason}. What was stored before stays in force.`,
  };
}
