import { randomUUID } from 'node:crypto';
import type { ApiEntry, RefusalEntry } from '../../database/audit/entry.ts';
import type { SpooledEntry } from '../../database/audit/spooled.ts';
import { toStorable } from '../../database/storable.ts';
import type { Caller } from '../calls/call.ts';
import type { Origin } from '../calls/settle/record.ts';
import type { ProxyError } from '../error.ts';
import type { Spool } from '../spool/spool.ts';
import { isAudited, ruleOf } from './audited.ts';
import { makeRepeats } from './repeats.ts';

/** A request, as far as the audit log has it. */
export interface AuditedRequest {
  readonly requestId: string;
  /** Undefined where it could not be found out. */
  readonly caller: Pick<Caller, 'user' | 'roles'> | undefined;
  /** Method and route, such as `POST /v1/responses`. */
  readonly route: string;
}

/** Notes for the audit log what a proxy refuses, and what its callers do. Nothing here waits for the database. */
export interface Audit {
  /** Notes a refusal, if it is one of those that are in the log. */
  refused(request: AuditedRequest, problem: ProxyError): void;
  /** Notes what a caller did at a provider. */
  did(caller: Pick<Caller, 'user' | 'roles' | 'requestId'>, action: ApiEntry['action'], subject: string): void;
  /** Writes what is counted. */
  close(): void;
}

export interface AuditOptions {
  readonly spool: Pick<Spool, 'audit'>;
  readonly origin: Origin | undefined;
  /** Called for each entry that is written. */
  readonly onEntry: (kind: 'refusal' | 'api') => void;
  readonly nowMs?: () => number;
}

/** A refusal before it is known how often it repeats. */
interface Refusal {
  readonly atMs: number;
  readonly requestId: string;
  readonly user: string | null;
  readonly roles: readonly string[];
  readonly entry: Pick<RefusalEntry, 'kind' | 'code' | 'status' | 'rule' | 'route'>;
}

export function makeAudit({ spool, origin, onEntry, nowMs = Date.now }: AuditOptions): Audit {
  const workload = origin && `${origin.namespace}/${origin.workload}`;
  const write = (user: string | null, roles: readonly string[], atMs: number, entry: SpooledEntry['entry']) => {
    spool.audit({
      entry_id: randomUUID(),
      started_at: new Date(atMs).toISOString(),
      user_external_id: user === null ? null : toStorable(user),
      actor: { roles: roles.map(toStorable), ...(workload !== undefined && { workload }) },
      entry,
    });
    onEntry(entry.kind);
  };
  const repeats = makeRepeats<Refusal>({
    nowMs,
    write({ user, roles, atMs, requestId, entry }, count, lastAtMs) {
      write(user, roles, atMs, { ...entry, requestId, count, until: new Date(lastAtMs).toISOString() });
    },
    toRest(refusal) {
      const { code, status } = refusal.entry;
      const entry = { kind: 'refusal', code, status, route: 'several' } as const;
      return { key: code, item: { ...refusal, user: null, roles: [], entry } };
    },
  });
  let timer: NodeJS.Timeout | undefined;
  const tick = () => {
    timer = repeats.due() ? setTimeout(tick, 500).unref() : undefined;
  };

  return {
    refused({ requestId, caller, route }, problem) {
      if (!isAudited(problem)) return;
      const rule = ruleOf(problem);
      const user = caller?.user ?? null;
      const roles = caller?.roles ?? [];
      const entry = {
        kind: 'refusal',
        code: problem.code,
        status: problem.status,
        ...(rule && { rule }),
        route,
      } as const;
      const key = JSON.stringify([user, roles, entry]);
      repeats.note(key, { atMs: nowMs(), requestId, user, roles, entry });
      timer ??= setTimeout(tick, 500).unref();
    },
    did(caller, action, subject) {
      write(caller.user ?? null, caller.roles, nowMs(), {
        ...{ kind: 'api', action, subject, changes: [] },
        ...(caller.requestId !== undefined && { requestId: caller.requestId }),
      });
    },
    close() {
      clearTimeout(timer);
      repeats.flush();
    },
  };
}
