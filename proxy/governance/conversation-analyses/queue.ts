import { DatabaseError } from 'pg';
import {
  type AnalyzedBranch,
  activeAnalysis,
  analyzedConversation,
  type ConversationAnalysisRow,
  findLatestAnalysis,
  insertConversationAnalysis,
  supersedeConversationAnalysis,
} from '../../../database/conversation-analyses.ts';
import { randomHex } from '../../../database/ids.ts';
import { addJob, tooManyJobs } from '../../../database/jobs.ts';
import { isOutage } from '../../../database/outage.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { inTransaction } from '../../../database/transaction.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { type AnalysisSettings, sealSettings } from './settings.ts';

export type AnalysesContext = Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>;

export interface QueuedAnalysis extends AnalyzedBranch {
  readonly id: string;
  readonly template: string;
  readonly status: 'pending';
}

export interface AnalysisToQueue extends AnalyzedBranch {
  readonly template: string;
  readonly settings: AnalysisSettings;
  /** The analysis whose place it takes. */
  readonly former?: string;
}

/** The worker's task that makes it (worker/tasks.ts). */
const task = 'analyze-conversation';
/** Over a minute and a half. Whoever still wants it asks again. */
const attempts = 5;

/**
 * Stores an analysis together with its job: both, or none.
 *
 * @throws {ProxyError} `contents_not_stored`, `analysis_exists`, `conversation_not_found` where it was erased meanwhile,
 * `queue_error`, `store_unavailable`
 */
export async function queueAnalysis(
  { inForce, store }: AnalysesContext,
  { user }: Caller,
  { conversationId, branchId, template, settings, former }: AnalysisToQueue,
): Promise<QueuedAnalysis> {
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  if (!snapshot.storesContents) {
    const message =
      'What was said in this conversation is not stored (storage.contents is None), so it cannot be analyzed';
    throw new ProxyError('contents_not_stored', { message });
  }
  const id = `ana_${randomHex(12)}`;
  const settingsSealed = sealSettings(envelope, organizationId, id, settings);
  const write = { organizationId, id, conversationId, branchId, requestedBy: user ?? null, template, settingsSealed };
  const insert = (db: Queryable) =>
    inTransaction(db, async () => {
      if (former !== undefined) await supersedeConversationAnalysis(db, organizationId, former);
      const jobId = await queue(db, id);
      await insertConversationAnalysis(db, { ...write, jobId });
    });
  try {
    await store.run(insert);
  } catch (error) {
    if (violates(error, analyzedConversation)) {
      const message = `Conversation ${conversationId} with branch ${branchId} not found`;
      throw new ProxyError('conversation_not_found', { message, cause: error });
    }
    // Somebody else was faster.
    const other = violates(error, activeAnalysis)
      ? await store.run((db) => findLatestAnalysis(db, organizationId, { conversationId, branchId }))
      : undefined;
    throw other ? exists(other) : error;
  }
  return { id, conversationId, branchId, template, status: 'pending' };
}

/** The refusal of a second analysis of a branch. */
export function exists({ id, conversationId, branchId, status }: ConversationAnalysisRow): ProxyError {
  const message = `Analysis already exists for conversation ${conversationId} branch ${branchId}`;
  return new ProxyError('analysis_exists', { message, details: { analysisId: id, status } });
}

async function queue(db: Queryable, id: string): Promise<string> {
  try {
    return await addJob(db, { task, id, attempts });
  } catch (cause) {
    // Without the cause, which the store would take for an outage.
    if (cause instanceof DatabaseError && cause.code === tooManyJobs) throw new ProxyError('queue_error');
    throw isOutage(cause) ? cause : new ProxyError('queue_error', { cause });
  }
}

function violates(error: unknown, constraint: string): boolean {
  return error instanceof DatabaseError && error.constraint === constraint;
}
