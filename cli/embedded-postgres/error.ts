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

/** What kept the embedded PostgreSQL from starting. The message names the directory or file, and what to do about it. */
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
