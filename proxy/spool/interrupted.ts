import type { RequestRecord } from '../../database/requests.ts';

/**
 * The record of a call whose process has ended, by its intent. Its usage is unknown, and limits and budgets count the upper
 * bounds that the call had reserved.
 */
export function interruptedOf(intent: RequestRecord): RequestRecord {
  return { ...intent, status: 'interrupted', error_code: 'process_ended' };
}
