import { DatabaseError } from 'pg';

/** Why the database cannot be used, as the beginning of a sentence. */
export const outages = {
  unreachable: 'The database cannot be reached',
  login: 'The database refuses the login',
  resources: 'The database has no connection, memory or disk left',
  restarting: 'The database is starting or shutting down',
  timeout: 'The database ended a statement that took too long',
  lock: 'The database waited too long for a lock',
} as const;

export type OutageKind = keyof typeof outages;

/**
 * SQLSTATEs that blame the server or the moment rather than the statement, the more precise first.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const kindOfCode: readonly (readonly [code: RegExp, kind: OutageKind])[] = [
  [/^57014/, 'timeout'],
  [/^55P03/, 'lock'],
  [/^57/, 'restarting'],
  [/^08/, 'unreachable'],
  [/^(28|3D)/, 'login'],
  [/^53/, 'resources'],
];

const brokenMessages =
  /^(Connection terminated|timeout e|Query read timeout|Client (has encountered a connection error|was closed))/;

/** Why an error means that the database cannot be used at present. Undefined: it refuses one statement. */
export function outageKindOf(error: unknown): OutageKind | undefined {
  if (error instanceof DatabaseError) return kindOfCode.find(([code]) => code.test(error.code ?? ''))?.[1];
  if (!(error instanceof Error)) return undefined;
  // A host name with several addresses, none of which answers.
  if (error instanceof AggregateError) return error.errors.map(outageKindOf).find((kind) => kind !== undefined);
  // A migration that was cut off.
  if (error.cause !== undefined) return outageKindOf(error.cause);
  // pg's errors about a broken connection have no code.
  const isBroken = 'syscall' in error || brokenMessages.test(error.message);
  return isBroken ? 'unreachable' : undefined;
}

/** Whether an error means that the database cannot be used at present, rather than that it refuses one statement. */
export function isOutage(error: unknown): boolean {
  return outageKindOf(error) !== undefined;
}

/** Whether the connection is as good as before: the server has ended one statement only. */
export function keepsConnection(kind: OutageKind): boolean {
  return kind === 'timeout' || kind === 'lock';
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
