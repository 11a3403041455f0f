import type { IncomingHttpHeaders } from 'node:http';
import type { CacheLook } from '../../cache/cache-look.ts';
import type { CacheableCall } from '../../cache/cacheable-call.ts';
import type { InFlight } from '../../in-flight.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Body } from '../../providers/json.ts';
import type { ProviderTable } from '../../providers/table.ts';
import type { Identity } from '../call.ts';
import type { CallContext, InForce } from '../context.ts';
import type { Identify } from '../identify/identify.ts';
import type { ModelRules } from '../models/model-rules.ts';
import type { Ownership } from '../resources/ownership.ts';
import type { RouteHealth } from '../route/health.ts';
import type { Origin } from '../settle/record.ts';
import type { Explanation } from './explanation.ts';
import type { LookOptions } from './look-at-limits.ts';

/** A call to explain. */
export interface ExplainQuestion {
  readonly context: Omit<CallContext, 'caller'>;
  /** Who would call, by a credential, and the headers beside it. */
  readonly identity: Identity;
  readonly headers: IncomingHttpHeaders;
  /** The pod that would call. Absent: the one of this process. */
  readonly origin?: Origin | undefined;
  readonly operation: Operation;
  /** The body; of a form, its text fields. */
  readonly body: Body;
}

export interface ExplainOptions extends LookOptions {
  /** @throws {ProxyError} where no configuration is in force */
  readonly inForce: () => InForce;
  /** Resolves when the database's newest configuration is in force here. */
  readonly catchUp: () => Promise<void>;
  readonly identify: Identify;
  readonly ownership: Ownership;
  readonly providers: ProviderTable;
  readonly health: Pick<RouteHealth, 'isCalm' | 'stateOf'>;
  readonly inFlight: InFlight;
  /** Says what the organization's cache would do for the call of a pod. */
  readonly lookAtCache: (call: CacheableCall, workload: Origin | undefined) => Promise<CacheLook>;
  readonly modelRules: Pick<ModelRules, 'of'>;
}

/** Tells what would happen to a call now. It sends nothing, takes nothing and records nothing. */
export type Explain = (question: ExplainQuestion) => Promise<Explanation>;
