export type EmbeddedPostgresErrorCode =
  | 'binaries-unusable'
  | 'account-unusable'
  | 'directory-unusable'
  | 'directory-foreign'
  | 'directory-corrupt'
  | 'directory-in-use'
  | 'port-in-use'
  | 'shared-memory-in-use'
  | 'start-failed';

/** Why the embedded PostgreSQL cannot start. The message names the directory or file, and what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether `error` is a failed system call with one of these codes, such as `ENOENT`. */
export function hasErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}
