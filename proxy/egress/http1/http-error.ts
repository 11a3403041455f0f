/** The kinds of failure, named by undici's code for the same, so that both clients' errors are told alike. */
export const httpErrorCodes = {
  connectTimeout: 'UND_ERR_CONNECT_TIMEOUT',
  headersTimeout: 'UND_ERR_HEADERS_TIMEOUT',
  bodyTimeout: 'UND_ERR_BODY_TIMEOUT',
  headersOverflow: 'UND_ERR_HEADERS_OVERFLOW',
  /** The answer is not HTTP/1.1. */
  malformed: 'HPE_INVALID',
  /** The connection ended, or did what nobody asked for. */
  socket: 'UND_ERR_SOCKET',
  /** The request is not one that could be sent. */
  invalidRequest: 'UND_ERR_INVALID_ARG',
  /** We have closed the client. */
  destroyed: 'UND_ERR_DESTROYED',
} as const;

export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly code: string;

  constructor(kind: keyof typeof httpErrorCodes, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = httpErrorCodes[kind];
  }
}
