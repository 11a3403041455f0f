import type { Queryable } from '../../database/queryable.ts';
import type { ServerLimits } from '../../database/server-limits.ts';
import type { Transact } from '../../database/transaction.ts';
import type { AuditRecorder } from '../audit/recorder.ts';
import type { AuditStatuses } from '../audit/watch.ts';
import type { CircuitVerdicts } from '../circuits/watch.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ServiceAccountIssuer } from '../cluster/kubernetes/service-account-issuer.ts';
import type { GatewayContext } from '../gateways/reconcile.ts';
import type { RuleStatuses } from '../limits/watch.ts';
import type { RetentionStatuses } from '../retention/watch.ts';
import type { SidecarContext } from '../sidecars/reconcile.ts';
import type { TrainingSettings } from '../training/settings.ts';
import type { WorkerAccess } from '../workers/access.ts';
import type { LoginCheck } from './login.ts';

/** The dependencies for reconciling an organization. */
export interface OrganizationContext {
  /** What its status says of limits and budgets. */
  readonly rules?: RuleStatuses;
  /** What its condition says of providers that fail. */
  readonly circuits?: CircuitVerdicts;
  /** Records changes of Organizations. */
  readonly audit?: AuditRecorder;
  /** What its status says of the audit log. */
  readonly auditLog?: AuditStatuses;
  /** What its status says of what retention has removed. */
  readonly retention?: RetentionStatuses;
  readonly cluster: Cluster;
  readonly db: Queryable;
  readonly transact: Transact;
  readonly operatorNamespace: string;
  /** URL of the database for proxies, without user and password. */
  readonly proxyDatabaseUrl: string;
  /** Checks the passwords of organizations' roles. Absent: they count as right. */
  readonly logins?: LoginCheck;
  /** Reads the server's limits. Absent: no condition mentions them. */
  readonly serverLimits?: () => Promise<ServerLimits>;
  /** Set where there are service accounts. */
  readonly serviceAccountIssuer?: () => Promise<ServiceAccountIssuer>;
  /** Set where there are pods. */
  readonly sidecars?: SidecarContext;
  /** Set where the operator may run gateways. */
  readonly gateways?: GatewayContext;
  /** Set where the operator may train and serve models. */
  readonly training?: TrainingSettings;
  /** Hands out credentials to workers. Absent: there are none. */
  readonly workers?: WorkerAccess;
  /** Whether one proxy serves all namespaces of an organization, with the operator's own copy of its Secret. */
  readonly isOneMachine?: boolean;
  /** How long a new key is handed out before it is used, so that every proxy has it by then. Absent: five minutes. */
  readonly propagationMs?: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
