import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { ProxyError } from '../error.ts';
import type { Operation } from '../operations/operation.ts';
import type { Exchange } from '../providers/exchange.ts';
import type { ClientResponse } from './answer/client-response.ts';
import type { Caller } from './call.ts';
import type { CallContext } from './context.ts';

/** A request for a governed operation, from a surface or from a session over a WebSocket. */
export interface OpenRequest {
  readonly context: CallContext;
  readonly operation: Operation;
  readonly headers: IncomingHttpHeaders;
  readonly response: ClientResponse;
  /**
   * Speaks to the provider in another way. Such a call is never answered from the cache, since what follows it may need
   * what the provider has kept of it. Absent: by HTTP.
   */
  readonly speak?: (overHttp: Exchange) => Exchange;
  /** A function, since the session may be known only after the body. */
  readonly responseHeaders: (caller: Caller) => Readonly<Record<string, string>>;
  readonly refuse: (error: ProxyError, caller: Caller) => void;
  /** Called with the reason why a stream that had begun was ended. */
  readonly onBlocked: (problem: ProxyError, caller: Caller) => void;
  /** Called once when the call is over, with any result. Not called where making it throws. */
  readonly onEnd: () => void;
}

/** A request whose body is an unread form. */
export interface FormRequest extends OpenRequest {
  readonly request: IncomingMessage;
}
