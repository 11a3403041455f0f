import { DatabaseError } from 'pg';

/**
 * SQLSTATE classes that blame the server rather than the statement: connection, authorization, no such database,
 * resources, operator intervention, and a lock that was not available in time.
 */
const outageCodes = /^(08|28|3D|53|57|55P03)/;

/**
 * Whether an error means that the database cannot be used at all, rather than that it refuses one statement.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function isOutage(error: unknown): boolean {
  if (error instanceof DatabaseError) return outageCodes.test(error.code ?? '');
  if (!(error instanceof Error)) return false;
  // A host name with several addresses, none of which answers.
  if (error instanceof AggregateError) return error.errors.some(isOutage);
  // A migration that was cut off.
  if (error.cause !== undefined) return isOutage(error.cause);
  // pg's errors about a broken connection have no code.
  return 'syscall' in error || /^Connection terminated|^timeout e|^Query read timeout/.test(error.message);
}

/**
 * Describes why the database cannot be used. Where a host name has several addresses, each address has its own error
 * message, and the AggregateError has none.
 */
export function describeOutage(error: unknown): string {
  if (error instanceof AggregateError) return [...new Set(error.errors.map(describeOutage))].join('; ');
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeOutage(error.cause)}`;
}
