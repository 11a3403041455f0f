import type { Identified } from '../../calls/context.ts';
import type { Body } from '../../providers/json.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';

/** What a session begins with. */
export interface RealtimeStart {
  readonly key: RoutedKey;
  /** As an alias stands for it. Undefined: the session only transcribes. */
  readonly model: string | undefined;
  readonly modelAlias: string | undefined;
  /** What the provider calls it. */
  readonly providerModel: string | undefined;
  /** The persona that it was opened with, by its id. */
  readonly personaId: string | undefined;
  /** The header `traceparent` with which it was opened. */
  readonly traceParent: string | undefined;
  /** The configuration of the ephemeral key. */
  readonly configuration: Body;
}

/** What the parts of a session need of it. */
export interface SessionPort {
  /** Finds the caller by what is in force now. @throws {ProxyError} where the session may not go on */
  identify(): Promise<Identified>;
  /** Sends an event to the provider. */
  forward(event: Body): void;
  /** Ends the session: something that nobody asked for has failed. */
  fail(error: unknown): void;
  /** The client has gone: what is under way is read to its end. */
  isLeaving(): boolean;
  isOver(): boolean;
  /** Whether the provider can still be asked. */
  isOpen(): boolean;
}
