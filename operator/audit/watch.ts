import type { Logger } from 'pino';
import { parseDurationMs } from '../../crds/duration.ts';
import type { Organization, OrganizationStatus } from '../../crds/resources.generated.ts';
import { type ChainHead, genesis } from '../../database/audit/chain.ts';
import { pruneAudit } from '../../database/audit/prune.ts';
import { readHeads, type StoredHead } from '../../database/audit/read.ts';
import { type Verification, verifyAudit } from '../../database/audit/verify.ts';
import type { Queryable } from '../../database/queryable.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { type ObjectPath, pathOf } from '../cluster/object-key.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { startResync } from '../runtime/resync.ts';
import type { AuditMetrics } from './metrics.ts';

/** What an Organization's status says of its audit log. */
export interface AuditStatuses {
  of(organization: Organization): Pick<OrganizationStatus, 'audit'>;
  /** Undefined until the log has been verified for the first time. */
  judge(organization: Organization): Verdict | undefined;
}

export interface AuditWatchOptions {
  readonly cluster: Pick<Cluster, 'list'>;
  readonly db: Queryable;
  /** Called where the status of an Organization is to be written. */
  readonly onChange: (path: ObjectPath) => void;
  /** Whether the database can be used. */
  readonly isUsable: () => boolean;
  readonly metrics?: AuditMetrics | undefined;
  readonly log: Logger;
  /** How often new entries are verified. */
  readonly periodMs: number;
  /** How often the status of one Organization is written at most, as long as its log is intact. */
  readonly writeMs: number;
  readonly now: () => number;
}

/** What is known of one log. */
interface Watched {
  /** The last verified entry. */
  readonly verified: ChainHead;
  /** When the log was last verified from its beginning. */
  readonly wholeAtMs: number;
  readonly result: Verification;
  readonly shown: OrganizationStatus['audit'] | undefined;
  readonly shownAtMs: number;
}

const start: ChainHead = { seq: 0, hash: genesis };
const wholeEveryMs = 86_400_000;

/**
 * Verifies audit logs, new entries soon and whole logs once a day, and shows their heads in statuses. A status then proves
 * what the log had, also to those who can change the database.
 */
export function watchAudit(options: AuditWatchOptions): AuditStatuses & { stop(): Promise<void> } {
  const { cluster, isUsable, log, metrics } = options;
  const watched = new Map<string, Watched>();
  const resync = startResync(async () => {
    if (!isUsable()) return;
    try {
      const organizations = cluster.list('Organization').filter(({ status }) => status?.id !== undefined);
      const heads = await readHeads(
        options.db,
        organizations.map(({ status }) => status?.id ?? ''),
      );
      for (const organization of organizations) {
        await removeOld(options, organization, watched);
        await watch(options, organization, heads.get(organization.status?.id ?? ''), watched);
      }
      metrics?.publish();
    } catch (error) {
      log.warn({ err: error }, 'cannot verify the audit log; it is tried again');
    }
  }, options.periodMs);
  return {
    of({ metadata }) {
      const known = watched.get(metadata.uid);
      return known?.result.state === 'intact' && known.shown ? { audit: known.shown } : {};
    },
    judge({ metadata }) {
      const result = watched.get(metadata.uid)?.result;
      return result && verdictOf(metadata.name, result);
    },
    stop: () => resync.stop(),
  };
}

/** Removes what is older than the organization's retention. From a log that is broken, nothing is removed. */
async function removeOld(
  { db, now, log }: AuditWatchOptions,
  { metadata, spec, status }: Organization,
  watched: ReadonlyMap<string, Watched>,
): Promise<void> {
  const { retention } = spec.audit ?? {};
  if (retention === undefined || watched.get(metadata.uid)?.result.state !== 'intact') return;
  const before = new Date(now() - parseDurationMs(retention));
  const removed = await pruneAudit(db, status?.id ?? '', before);
  if (removed > 0) log.info({ organization: metadata.name, removed, before }, 'removed old entries of the audit log');
}

async function watch(
  { db, metrics, log, onChange, now, writeMs }: AuditWatchOptions,
  { metadata, status }: Organization,
  head: StoredHead | undefined,
  watched: Map<string, Watched>,
): Promise<void> {
  const known = headOf(status?.audit);
  if (!head && !known) return;
  const before = watched.get(metadata.uid);
  const nowMs = now();
  // Without a head in the status, as after somebody removed it, nothing is known of the log.
  const isWhole = !known || !before || nowMs - before.wholeAtMs >= wholeEveryMs;
  const after = isWhole ? start : before.verified;
  const result = await verifyAudit(db, status?.id ?? '', known ? [known] : [], after);
  const isIntact = result.state === 'intact';
  metrics?.observe(metadata.name, head?.seq ?? 0, isIntact);
  const wasIntact = (before?.result.state ?? 'intact') === 'intact';
  if (!isIntact && wasIntact) log.error({ organization: metadata.name, ...result }, 'the audit log is broken');
  const next = isIntact && head ? shownOf(head) : undefined;
  // After a start, what the status has counts as written just now.
  const shown = before?.shown ?? status?.audit;
  const isDue = !status?.audit || (before !== undefined && nowMs - before.shownAtMs >= writeMs);
  const shows = next !== undefined && (!shown || (isDue && next.head !== shown.head));
  watched.set(metadata.uid, {
    verified: isIntact ? result.head : after,
    wholeAtMs: isWhole ? nowMs : before.wholeAtMs,
    result,
    shown: shows ? next : shown,
    shownAtMs: shows ? nowMs : (before?.shownAtMs ?? nowMs),
  });
  const told = status?.conditions?.find(({ type }) => type === 'AuditIntact')?.status;
  if (shows || told !== (isIntact ? 'True' : 'False')) onChange(pathOf(metadata));
}

function headOf(audit: OrganizationStatus['audit']): ChainHead | undefined {
  return audit && { seq: audit.entries, hash: Buffer.from(audit.head, 'hex') };
}

function shownOf({ seq, hash, appendedAt }: StoredHead): NonNullable<OrganizationStatus['audit']> {
  return { entries: seq, head: hash.toString('hex'), at: appendedAt.toISOString().replace(/\.\d+Z$/, 'Z') };
}

function verdictOf(name: string, result: Verification): Verdict {
  if (result.state === 'intact') {
    const message = 'The audit log is as it was written.';
    return { type: 'AuditIntact', status: true, reason: 'Intact', message };
  }
  return {
    type: 'AuditIntact',
    status: false,
    reason: 'AuditBroken',
    message: `Somebody has changed the audit log in the database: ${result.problem}. \`chaperone audit verify --organization ${name}\` verifies all of it. Where the database was restored from a backup, docs/audit.md says how to begin with the log that there is.`,
  };
}
