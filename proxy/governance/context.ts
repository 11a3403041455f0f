import type { RequestReference } from '../../database/requests.ts';
import type { InForce } from '../calls/context.ts';
import type { ModelRules } from '../calls/models/model-rules.ts';
import type { Pipeline } from '../calls/pipeline.ts';
import type { Metrics } from '../calls/settle/metrics.ts';
import type { Origin } from '../calls/settle/record.ts';
import type { Operation } from '../operations/operation.ts';
import type { ProviderTable } from '../providers/table.ts';
import type { Spool } from '../spool/spool.ts';
import type { Store } from '../store.ts';

/** The part of the configuration in force that use cases read. */
export type GovernanceInForce = Pick<InForce, 'snapshot' | 'envelope' | 'namespaces'>;

/** The governed calls of an API. */
export interface CallingSurface {
  readonly calls?: { readonly prefix: string; readonly operations: readonly Operation[] };
}

/** What the use cases work with. Each takes only what it needs of it. */
export interface GovernanceContext {
  readonly pipeline: Pick<Pipeline, 'admit' | 'ask' | 'explain'>;
  /** The APIs that the proxy serves, with their calls. */
  readonly surfaces: readonly CallingSurface[];
  /** @throws {ProxyError} where no configuration is in force */
  readonly inForce: () => GovernanceInForce;
  readonly modelRules: Pick<ModelRules, 'of'>;
  readonly providers: ProviderTable;
  /** The pod of this proxy's calls. Undefined: it is in none. */
  readonly origin: Origin | undefined;
  readonly store: Store;
  readonly metrics: { readonly analyses: Pick<Metrics['analyses'], 'inc'> };
  readonly spool: Pick<Spool, 'rate' | 'findWaiting'>;
  /**
   * Resolves when what this proxy has answered is in the database.
   *
   * @throws {ProxyError} `records_pending`, `store_unavailable` where that takes too long, so that nobody reads figures
   * without it
   */
  readonly shipped: () => Promise<void>;
  /** Finds a call of the organization by request id or response id, wherever it was made. */
  readonly findRequest: (id: string) => Promise<RequestReference | undefined>;
  /** Resolves when what has been committed is in force in this proxy. */
  readonly catchUp: () => Promise<void>;
}
