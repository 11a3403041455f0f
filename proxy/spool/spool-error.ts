/** Nothing that is to be recorded can be: the spool is full, or its volume refuses to write. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError';
  readonly code: 'full' | 'unwritable';

  constructor(code: SpoolError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
