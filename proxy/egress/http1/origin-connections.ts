import type { Connect } from './connect.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { Request } from './request.ts';

export type OriginOptions = Pick<ConnectionOptions, 'readBuffer' | 'maxHeadBytes'>;

/**
 * The connections to one origin. A connection that has carried an answer is used again only after the event loop has
 * once looked for whatever else it may bring. A server that sends more than its answer, or closes the connection, does so
 * mostly right behind the answer, and the bytes must not be taken for the answer to another request.
 *
 * @see https://github.com/nodejs/undici/security/advisories/GHSA-35p6-xmwp-9g52
 */
export class OriginConnections {
  /** As in the `host` header. */
  readonly host: string;
  readonly #isSecure: boolean;
  readonly #options: ConnectionOptions;
  readonly #all = new Set<Connection>();
  /** The last one is used first, so that those that are not needed get old. */
  readonly #free: Connection[] = [];
  /** Free, but not yet looked at again. */
  #resting: Connection[] = [];
  #closedBy: Error | undefined;

  constructor(origin: URL, connect: Connect, options: OriginOptions) {
    this.host = origin.host;
    this.#isSecure = origin.protocol === 'https:';
    this.#options = {
      ...options,
      connect,
      onFree: (connection) => this.#rest(connection),
      onClose: (connection) => this.#drop(connection),
    };
  }

  /** @param isTurnEnd whether all that had arrived when the request was made has been read */
  send(request: Request, isTurnEnd: boolean): void {
    if (isTurnEnd) this.#sendNow(request);
    else if (this.#free.length === 0) this.#open(request);
    // A ref'd immediate, so that the event loop does not sleep before.
    else setImmediate(() => this.#sendNow(request));
  }

  /** @returns how many connections are open */
  checkDeadlines(nowMs: number): number {
    for (const connection of this.#all) connection.checkDeadline(nowMs);
    return this.#all.size;
  }

  close(error: Error): void {
    this.#closedBy = error;
    for (const connection of this.#all) connection.close(error);
  }

  #sendNow(request: Request): void {
    const free = this.#free.pop();
    if (this.#closedBy) request.fail(this.#closedBy);
    else if (free) free.send(request);
    else this.#open(request);
  }

  #open(request: Request): void {
    this.#all.add(new Connection(this.#options, request, this.#isSecure));
  }

  #rest(connection: Connection): void {
    this.#resting.push(connection);
    // The first turn may be the one that brought the answer. The second has looked at all connections.
    if (this.#resting.length === 1) setImmediate(() => setImmediate(() => this.#wake()));
  }

  #drop(connection: Connection): void {
    this.#all.delete(connection);
    const index = this.#free.indexOf(connection);
    if (index !== -1) this.#free.splice(index, 1);
  }

  #wake(): void {
    for (const connection of this.#resting) if (connection.isOpen()) this.#free.push(connection);
    this.#resting = [];
  }
}
