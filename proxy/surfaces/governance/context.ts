import type { RequestReference } from '../../../database/requests.ts';
import type { InForce } from '../../calls/context.ts';
import type { Pipeline } from '../../calls/pipeline.ts';
import type { StallWatch } from '../../calls/receive/stall-watch.ts';
import type { Metrics } from '../../calls/settle/metrics.ts';
import type { Spool } from '../../spool/spool.ts';
import type { Store } from '../../store.ts';

/** What the governance resources work with. */
export interface GovernanceContext {
  readonly pipeline: Pipeline;
  readonly inForce: () => InForce;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly spool: Spool;
  readonly stalls: StallWatch;
  /** Resolves when what this proxy has answered is in the database, or after a moment where that takes longer. */
  readonly shipped: () => Promise<unknown>;
  /** A call of the organization's by request id or response id, wherever it was made. */
  readonly findRequest: (id: string) => Promise<RequestReference | undefined>;
  /** Resolves when what has been committed is in force in this proxy. */
  readonly catchUp: () => Promise<void>;
}
