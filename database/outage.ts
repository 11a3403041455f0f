import { DatabaseError } from 'pg';

/**
 * Connection, resource, operator intervention, authorization, no such database, a lock that was not to be had in time: the
 * server, and not what was asked.
 */
const outageCodes = /^(08|28|3D|53|57|55P03)/;

/**
 * Whether an error means that the database cannot be used at all, rather than that it refuses what it was asked.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof DatabaseError) return outageCodes.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  // A name with several addresses, none of which answers.
  if (error instanceof AggregateError) return error.errors.some(isOutage);
  // A migration that was cut off.
  if (error.cause !== undefined) return isOutage(error.cause);
  // What pg says of a connection that broke has no code.
  return 'syscall' in error || /^Connection terminated|^timeout e|^Query read timeout/.test(error.message);
}

/** Why the database cannot be used, in words. Where a name has several addresses, each has its own failure, and the whole none. */
export function describeOutage(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(describeOutage))].join('; ');
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeOutage(error.cause)}`;
}
