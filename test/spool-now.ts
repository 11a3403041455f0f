import type { RequestRecord } from '../database/requests.ts';
import type { Spool } from '../proxy/spool/spool.ts';

/** Writes an intent without waiting for the end of the turn. @returns the handle @throws {SpoolError} */
export function beginNow(spool: Spool, intent: RequestRecord): number {
  let refusal: Error | undefined;
  const handle = spool.begin(intent, (error) => {
    refusal = error;
  });
  spool.writeNow();
  if (refusal) throw refusal;
  return handle;
}

/** Writes a settlement without waiting for the end of the turn. */
export function settleNow(spool: Spool, handle: number, record: RequestRecord, sealed?: Buffer): void {
  spool.settle(handle, record, sealed, () => {});
  spool.writeNow();
}
