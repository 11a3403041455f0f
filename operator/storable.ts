import { findUnstorable } from '../database/storable.ts';
import type { Verdict } from './runtime/conditions.ts';

/** What is wrong with a spec that an API server accepts and PostgreSQL cannot store; undefined where nothing is. */
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
