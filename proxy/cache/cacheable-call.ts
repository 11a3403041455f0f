import type { IncomingHttpHeaders } from 'node:http';
import type { Envelope } from '../../database/envelope.ts';
import type { Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';
import type { RoutedKey, Snapshot } from '../snapshot/snapshot.ts';

/** An admitted call, as far as the cache needs to know it. */
export interface CacheableCall {
  readonly snapshot: Snapshot;
  /** Seals answers, and makes their ids. */
  readonly envelope: Envelope;
  readonly operation: OperationName;
  /** What the call does beside its answer. */
  readonly effects: 'none' | 'stores' | 'acts';
  /** The client's. */
  readonly headers: IncomingHttpHeaders;
  /** The client's headers that go to the provider beside those that always do. */
  readonly passes: readonly string[];
  /** With the persona applied, and with what guardrails replaced. */
  readonly body: Body;
  /** The body's text, where parsing it loses digits. Undefined for most bodies. */
  readonly exactText: string | undefined;
  /** As it is asked for. Undefined: the provider chooses. */
  readonly model: string | undefined;
  /** As the provider calls it. */
  readonly sentModel: string | undefined;
  /** Whether the provider is asked for usage that the client does not get. */
  readonly hideUsage: boolean;
  /** External id. Undefined: the call names none. */
  readonly user: string | undefined;
  readonly userId: string;
  /** Undefined: the call begins a session. */
  readonly sessionId: string | undefined;
  readonly key: RoutedKey;
  /** Whether it refers to stored resources. */
  readonly hasReferences: boolean;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Is charged for the memory of the answer. @throws {ProxyError} where there is none left */
  readonly addAnswer: (bytes: number) => void;
  /** Aborted when the client leaves while the call waits. */
  readonly gone: () => AbortSignal;
}
