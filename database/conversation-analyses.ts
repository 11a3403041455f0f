import { deletePast } from './past-rows.ts';
import type { Queryable } from './queryable.ts';

export type AnalysisStatus = 'pending' | 'processing' | 'completed' | 'failed';

/** What an analysis was made of, and at what cost. */
export interface AnalysisMetadata {
  /** Of all calls; null where a provider did not say. */
  readonly totalTokens: number | null;
  /** Milliseconds from the beginning of the first attempt to the end. */
  readonly processingTime: number;
  /** The model that wrote it. */
  readonly model: string;
  /** US dollars of all calls; null: one of them is unpriced. */
  readonly costUsd: number | null;
  readonly calls: number;
  readonly requestIds: readonly string[];
  /** How many parts the conversation was read in. */
  readonly parts: number;
  readonly messageCount: number;
  /** How many calls of the branch had no contents that could be read. */
  readonly missingCalls: number;
  /** Whether the model came to the limit of its answer. */
  readonly isTruncated: boolean;
}

/** An analysis of a branch of a conversation. */
export interface ConversationAnalysisRow {
  readonly id: string;
  readonly conversationId: string;
  readonly branchId: string;
  readonly status: AnalysisStatus;
  readonly requestedBy: string | null;
  readonly template: string;
  /** Sealed for `conversation_analyses.settings`; the row id is the id. */
  readonly settingsSealed: Uint8Array;
  /** Sealed for `conversation_analyses.content`; the row id is the id. While it is processed: the text so far. */
  readonly contentSealed: Uint8Array | null;
  readonly metadata: AnalysisMetadata | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly updatedAt: Date;
  readonly completedAt: Date | null;
}

export interface ConversationAnalysisWrite
  extends Pick<
    ConversationAnalysisRow,
    'id' | 'conversationId' | 'branchId' | 'requestedBy' | 'template' | 'settingsSealed'
  > {
  readonly organizationId: string;
  /** The job that makes it. */
  readonly jobId: string;
}

/** The branch that an analysis is about. */
export interface AnalyzedBranch {
  readonly conversationId: string;
  readonly branchId: string;
}

/** At most one analysis of a branch is neither failed nor superseded. */
export const activeAnalysis = 'unique_active_analysis';
/** An analysis belongs to a conversation that exists. */
export const analyzedConversation = 'conversation_analyses_conversation';

const columns = `id, conversation_id as "conversationId", branch_id as "branchId", status,
  requested_by as "requestedBy", template, settings_encrypted as "settingsSealed",
  content_encrypted as "contentSealed", metadata, error_code as "errorCode", error_message as "errorMessage",
  created_at as "createdAt", started_at as "startedAt", updated_at as "updatedAt", completed_at as "completedAt"`;

/** Stores an analysis that is to be made. @throws where the branch has one that counts (`activeAnalysis`) */
export async function insertConversationAnalysis(db: Queryable, write: ConversationAnalysisWrite): Promise<void> {
  await db.query(
    `insert into chaperone.conversation_analyses
       (organization_id, id, conversation_id, branch_id, status, requested_by, template, settings_encrypted, job_id)
     values ($1::uuid, $2::text, $3::uuid, $4::text, 'pending', $5::text, $6::text, $7::bytea, $8::bigint)`,
    [
      write.organizationId,
      write.id,
      write.conversationId,
      write.branchId,
      write.requestedBy,
      write.template,
      write.settingsSealed,
      write.jobId,
    ],
  );
}

/** Lets another analysis take the place of a completed one. */
export async function supersedeConversationAnalysis(db: Queryable, organizationId: string, id: string): Promise<void> {
  await db.query(
    `update chaperone.conversation_analyses set superseded_at = now(), updated_at = now()
     where organization_id = $1::uuid and id = $2::text and status = 'completed' and superseded_at is null`,
    [organizationId, id],
  );
}

/** Finds the latest analysis of a branch. */
export async function findLatestAnalysis(
  db: Queryable,
  organizationId: string,
  { conversationId, branchId }: AnalyzedBranch,
): Promise<ConversationAnalysisRow | undefined> {
  const { rows } = await db.query<ConversationAnalysisRow>(
    `select ${columns}
     from chaperone.conversation_analyses
     where organization_id = $1::uuid and conversation_id = $2::uuid and branch_id = $3::text
     order by created_at desc, id desc
     limit 1`,
    [organizationId, conversationId, branchId],
  );
  return rows[0];
}

/** The latest analysis of a branch, without its text. */
export type AnalysisOfBranch = AnalyzedBranch &
  Pick<ConversationAnalysisRow, 'id' | 'status' | 'template' | 'createdAt' | 'completedAt'>;

/** Lists the latest analysis of each branch of the conversations. */
export async function listAnalysesOf(
  db: Queryable,
  organizationId: string,
  conversationIds: readonly string[],
): Promise<AnalysisOfBranch[]> {
  const { rows } = await db.query<AnalysisOfBranch>(
    `select distinct on (conversation_id, branch_id) conversation_id as "conversationId", branch_id as "branchId", id,
       status, template, created_at as "createdAt", completed_at as "completedAt"
     from chaperone.conversation_analyses
     where organization_id = $1::uuid and conversation_id = any ($2::uuid[])
     order by conversation_id, branch_id, created_at desc, id desc`,
    [organizationId, conversationIds],
  );
  return rows;
}

/** Lists the analyses of a branch, the latest first, and counts them. */
export async function listBranchAnalyses(
  db: Queryable,
  organizationId: string,
  { conversationId, branchId }: AnalyzedBranch,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ analyses: ConversationAnalysisRow[]; total: number }> {
  const { rows } = await db.query<ConversationAnalysisRow & { total: number }>(
    `select ${columns}, (count(*) over ())::integer as total
     from chaperone.conversation_analyses
     where organization_id = $1::uuid and conversation_id = $2::uuid and branch_id = $3::text
     order by created_at desc, id desc
     limit $4::integer offset $5::integer`,
    [organizationId, conversationId, branchId, limit, offset],
  );
  if (rows.length > 0 || offset === 0) return { analyses: rows, total: rows[0]?.total ?? 0 };
  const { rows: counted } = await db.query<{ total: number }>(
    `select count(*)::integer as total from chaperone.conversation_analyses
     where organization_id = $1::uuid and conversation_id = $2::uuid and branch_id = $3::text`,
    [organizationId, conversationId, branchId],
  );
  return { analyses: [], total: counted[0]?.total ?? 0 };
}

export async function findConversationAnalysis(
  db: Queryable,
  organizationId: string,
  id: string,
): Promise<ConversationAnalysisRow | undefined> {
  const { rows } = await db.query<ConversationAnalysisRow>(
    `select ${columns} from chaperone.conversation_analyses where organization_id = $1::uuid and id = $2::text`,
    [organizationId, id],
  );
  return rows[0];
}

/** Notes that a worker is at it. @returns undefined where it has ended, or is gone */
export async function beginConversationAnalysis(
  db: Queryable,
  organizationId: string,
  id: string,
): Promise<ConversationAnalysisRow | undefined> {
  const { rows } = await db.query<ConversationAnalysisRow>(
    `update chaperone.conversation_analyses
     set status = 'processing', content_encrypted = null, started_at = coalesce(started_at, now()), updated_at = now()
     where organization_id = $1::uuid and id = $2::text and status in ('pending', 'processing')
     returning ${columns}`,
    [organizationId, id],
  );
  return rows[0];
}

/** Finds whose conversation an analysis under way is about. @returns undefined where it has ended, or the user was erased */
export async function findAnalyzedUser(db: Queryable, organizationId: string, id: string): Promise<string | undefined> {
  const { rows } = await db.query<{ userId: string }>(
    `select c.user_id as "userId"
     from chaperone.conversation_analyses a
       join chaperone.conversations c
         on c.organization_id = a.organization_id and c.conversation_id = a.conversation_id
     where a.organization_id = $1::uuid and a.id = $2::text and a.status in ('pending', 'processing')`,
    [organizationId, id],
  );
  return rows[0]?.userId;
}

/** Stores the text as far as it is written. */
export async function writeAnalysisDraft(
  db: Queryable,
  organizationId: string,
  id: string,
  contentSealed: Uint8Array,
): Promise<void> {
  await db.query(
    `update chaperone.conversation_analyses set content_encrypted = $3::bytea, updated_at = now()
     where organization_id = $1::uuid and id = $2::text and status = 'processing'`,
    [organizationId, id, contentSealed],
  );
}

/** An analysis that somebody watches, and how it was when they last looked. */
export interface SeenAnalysis {
  readonly id: string;
  /** Undefined: they have not looked yet. */
  readonly seen: string | undefined;
}

/** Reads those of the analyses that have changed since, with how they are now; null for one that is gone. */
export async function readChangedAnalyses(
  db: Queryable,
  organizationId: string,
  watched: readonly SeenAnalysis[],
): Promise<{ id: string; seen: string; row: ConversationAnalysisRow | null }[]> {
  const { rows } = await db.query<ConversationAnalysisRow & { watchedId: string; seen: string | null }>(
    `select k.watched as "watchedId", a.*
     from unnest($2::text[], $3::text[]) as k (watched, known)
       left join lateral (
         select updated_at::text as seen, ${columns}
         from chaperone.conversation_analyses
         where organization_id = $1::uuid and id = k.watched
       ) a on true
     where a.id is null or a.seen is distinct from k.known`,
    [organizationId, watched.map(({ id }) => id), watched.map(({ seen }) => seen ?? null)],
  );
  return rows.map(({ watchedId, seen, ...row }) => ({
    id: watchedId,
    seen: seen ?? '',
    row: seen === null ? null : row,
  }));
}

/** Completes an analysis that is under way. @returns whether it was */
export async function completeConversationAnalysis(
  db: Queryable,
  organizationId: string,
  id: string,
  contentSealed: Uint8Array,
  metadata: Omit<AnalysisMetadata, 'processingTime'>,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.conversation_analyses
     set status = 'completed', content_encrypted = $3::bytea, updated_at = now(), completed_at = now(),
       metadata = $4::jsonb || jsonb_build_object('processingTime',
         round(extract(epoch from now() - coalesce(started_at, created_at)) * 1000))
     where organization_id = $1::uuid and id = $2::text and status in ('pending', 'processing')`,
    [organizationId, id, contentSealed, JSON.stringify(metadata)],
  );
  return rowCount === 1;
}

/** Ends an analysis that cannot be made. @returns whether it was under way */
export async function failConversationAnalysis(
  db: Queryable,
  organizationId: string,
  id: string,
  { code, message }: { readonly code: string; readonly message: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.conversation_analyses
     set status = 'failed', content_encrypted = null, error_code = left($3::text, 64),
       error_message = left($4::text, 1000), updated_at = now(), completed_at = now()
     where organization_id = $1::uuid and id = $2::text and status in ('pending', 'processing')`,
    [organizationId, id, code, message],
  );
  return rowCount === 1;
}

/** Deletes every analysis that ended longer ago than its organization's `storage.analysisLifetime`. @returns how many */
export async function deleteExpiredConversationAnalyses(db: Queryable): Promise<number> {
  return deletePast(db, 'conversation analyses');
}
