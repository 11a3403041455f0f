import type { OperationName } from '../operations/operation.ts';
import type { Usage } from '../providers/usage.ts';
import type { Persona, RoutedKey } from '../snapshot/snapshot.ts';
import type { Client } from './identify/client.ts';

/** Who a credential says is calling. */
export interface Identity {
  /** The user the credential is bound to; absent: the caller names one by `X-User-ID`. */
  readonly user: string | undefined;
  /** Whose call it is where no user is named. */
  readonly defaultUser?: string | undefined;
  /** The namespace of the workload whose credential it is; absent: it is no workload's. */
  readonly namespace?: string | undefined;
  readonly roles: readonly string[];
}

/** Who makes a call: what the headers said, checked. */
export interface Caller {
  readonly identity: Identity;
  /** The credential's roles, or those that the organization gives to credentials without any. */
  readonly roles: readonly string[];
  /** External id; undefined where the organization does not ask for users. */
  readonly user: string | undefined;
  readonly userId: string;
  readonly sessionId: string;
  /** Who named the session: `X-Session-ID`, or a header of the client's own; absent: nobody, it is new. */
  readonly sessionFrom?: 'session' | 'client' | undefined;
  readonly turnId: string | undefined;
  /** The program that calls, as its headers tell it. It decides nothing. */
  readonly client?: Client | undefined;
}

/** One governed call on its way through the pipeline; each step adds what it found out. */
export interface Call {
  /** Whether a client made it, or the proxy itself to analyse one. */
  readonly kind: 'call' | 'analysis';
  readonly requestId: string;
  readonly startedAtMs: number;
  /** `performance.now()` at the start, for durations. */
  readonly startedTicks: number;
  readonly operation: OperationName;
  readonly caller: Caller;
  /** What was asked, as the contents store keeps it. Of a form, all of it is known only when it has been sent. */
  input(): string | Buffer;
  readonly body: Readonly<Record<string, unknown>>;
  isStream(): boolean;
  readonly requestedModel: string | undefined;
  readonly persona: Persona | undefined;
  readonly previousResponseId: string | undefined;
  readonly key: RoutedKey;
}

/** What became of a call. */
export interface Outcome {
  /** Whether the provider may still be working on it. */
  readonly runsInBackground?: boolean;
  readonly status: 'completed' | 'failed' | 'cancelled' | 'interrupted';
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly responseId: string | null;
  /** The model that answered, as the provider names it. */
  readonly model: string | null;
  /** Not `default` where the provider billed another tier, whose prices differ. */
  readonly serviceTier: string | null;
  readonly usage: Usage;
  /** Ids by which later calls may name parts of the answer. */
  readonly keptIds?: readonly string[];
  readonly timeToFirstTokenMs: number | null;
  /** From handing the request to the provider to the end of its answer. */
  readonly upstreamMs: number;
  /** The answer's text form for the contents store; undefined where there is none. */
  readonly output: string | Buffer | undefined;
}
