import type { CacheUse } from '../cache/cache-use.ts';
import type { Linked } from '../conversations/links.ts';
import type { CallGuard } from '../guardrails/call-guard.ts';
import type { OperationName } from '../providers/operation-name.ts';
import type { Usage } from '../providers/usage.ts';
import type { AccessKey } from '../snapshot/access-keys.ts';
import type { Persona, RoutedKey } from '../snapshot/snapshot.ts';
import type { Client } from './identify/client.ts';
import type { OptimizationLevel } from './identify/optimization-level.ts';
import type { Service } from './identify/service.ts';
import type { Visitor } from './identify/visitor.ts';
import type { CallTrace } from './traces/call-trace.ts';

/** The caller according to the credential. */
export interface Identity {
  /** The user that the credential is bound to. Absent: the call names one by `X-User-ID`. */
  readonly user: string | undefined;
  /** The user of calls that name none. */
  readonly defaultUser?: string | undefined;
  /** The namespace of the credential's workload. Absent: the credential belongs to no workload. */
  readonly namespace?: string | undefined;
  /** The key `sk_…` or `pk_…` that the credential is. */
  readonly accessKey?: AccessKey | undefined;
  /** Of a public key: who uses the page. It is the credential's user, too. */
  readonly visitor?: Visitor | undefined;
  /** The login that the token comes from. Absent: it comes from none. */
  readonly loginId?: string | undefined;
  readonly roles: readonly string[];
}

/** The caller, from the checked headers. */
export interface Caller {
  readonly identity: Identity;
  /** The credential's roles, or those that the organization gives to credentials without any. */
  readonly roles: readonly string[];
  /** External id. Undefined where the organization requires no user. */
  readonly user: string | undefined;
  readonly userId: string;
  readonly sessionId: string;
  /** What named the session: `X-Session-ID`, the client's own header, or the body. Absent: the session is new. */
  readonly sessionFrom?: 'session' | 'client' | 'body' | undefined;
  readonly turnId: string | undefined;
  /** `X-Optimization-Level`, by which aliases choose a model. */
  readonly optimizationLevel?: OptimizationLevel | undefined;
  /** `X-Service`: the part of a voice pipeline that the call is. */
  readonly service?: Service | undefined;
  /** `X-Language-Code`. */
  readonly language?: string | undefined;
  /** The id of the request, where a surface answers it. A call has its own. */
  readonly requestId?: string | undefined;
  /** The client program, from its headers. It decides nothing. */
  readonly client?: Client | undefined;
}

/** A governed call in the pipeline. Each step adds its results. */
export interface Call {
  /** Whether a client made the call, or the proxy itself for an analysis. */
  readonly kind: 'call' | 'analysis';
  readonly requestId: string;
  readonly startedAtMs: number;
  /** `performance.now()` at the start, for durations. */
  readonly startedTicks: number;
  readonly operation: OperationName;
  readonly caller: Caller;
  /** The input, as the contents store keeps it. For a form, it is complete only when the form has been sent. */
  input(): string | Buffer;
  readonly body: Readonly<Record<string, unknown>>;
  isStream(): boolean;
  readonly requestedModel: string | undefined;
  /** The name that the caller used for it, where that is an alias. */
  readonly modelAlias?: string | undefined;
  readonly persona: Persona | undefined;
  readonly previousResponseId: string | undefined;
  readonly key: RoutedKey;
  /** What guardrails do to the call. Undefined where none is for it. */
  readonly guard: CallGuard | undefined;
  /** What the cache does for the call. Undefined where the organization has none, and for analyses. */
  readonly cached?: CacheUse | undefined;
  /** Where it is in a conversation. Undefined for calls that are none of texts, and for analyses. */
  readonly linked?: Linked | undefined;
  /** Records the call as a trace. Absent: it is not recorded. */
  readonly trace?: CallTrace | undefined;
}

/** The result of a call. */
export interface Outcome {
  /** Whether the provider may still be working on it. */
  readonly runsInBackground?: boolean;
  readonly status: 'completed' | 'failed' | 'cancelled' | 'interrupted';
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly responseId: string | null;
  /** The model that answered, as the provider names it. */
  readonly model: string | null;
  /** Not `default` where the provider billed another tier, which has other prices. */
  readonly serviceTier: string | null;
  readonly usage: Usage;
  /** Ids with which later calls may refer to parts of the answer. */
  readonly keptIds?: readonly string[];
  /** The language that a transcription reported. */
  readonly language?: string | null;
  readonly timeToFirstTokenMs: number | null;
  /** Time from sending the request to the end of the provider's answer. */
  readonly upstreamMs: number;
  /** The answer as text, for the contents store. Undefined where there is none. */
  readonly output: string | Buffer | undefined;
}
