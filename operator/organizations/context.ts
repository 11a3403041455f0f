import type { Queryable } from '../../database/queryable.ts';
import type { ServerLimits } from '../../database/server-limits.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ServiceAccountIssuer } from '../cluster/kubernetes/service-account-issuer.ts';
import type { SidecarContext } from '../sidecars/reconcile.ts';
import type { LoginCheck } from './login.ts';

/** What reconciling an organization needs. */
export interface OrganizationContext {
  readonly cluster: Cluster;
  readonly db: Queryable;
  readonly operatorNamespace: string;
  /** The database as proxies reach it, without user and password. */
  readonly proxyDatabaseUrl: string;
  /** Of the organizations' roles; their passwords are taken to be right where absent. */
  readonly logins?: LoginCheck;
  /** What the database's server keeps for the operator; nothing is said of it where absent. */
  readonly serverLimits?: () => Promise<ServerLimits>;
  /** Where there are service accounts. */
  readonly serviceAccountIssuer?: () => Promise<ServiceAccountIssuer>;
  /** Where there are pods. */
  readonly sidecars?: SidecarContext;
  /** Whether one proxy serves every namespace of an organization, by the operator's own copy of its Secret. */
  readonly isOneMachine?: boolean;
  /** How long a new key is handed out before it is used, so that every proxy has it by then; five minutes where absent. */
  readonly propagationMs?: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
