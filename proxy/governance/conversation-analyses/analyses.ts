import {
  type AnalyzedBranch,
  type ConversationAnalysisRow,
  findLatestAnalysis,
  listBranchAnalyses,
} from '../../../database/conversation-analyses.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import { getConversation, type OpenConversation } from '../conversations/conversations.ts';
import { pathOf } from '../conversations/tree.ts';
import type { Listed, Page } from '../page.ts';
import { type ConversationAnalysis, openAnalysis } from './open.ts';
import { type AnalysesContext, exists, type QueuedAnalysis, queueAnalysis } from './queue.ts';
import { chooseSettings } from './templates.ts';

/** What the analysis is about, as it is now. */
export interface ConversationDetails {
  /** The organization's name. */
  readonly domain: string;
  /** The user's external id; the organization's id where its calls name no user. */
  readonly accountId: string;
  readonly messageCount: number;
  /** Of the calls from the beginning to the end of the branch. */
  readonly totalTokens: number;
}

/** What is asked for. */
export interface AnalysisRequest extends AnalyzedBranch {
  /** The name of a template. Undefined: `summary`. */
  readonly template?: string | undefined;
}

/**
 * Asks for an analysis of a branch that the caller may read. A worker makes it.
 *
 * @throws {ProxyError} `conversation_not_found`, `analysis_exists` where it has one that has not failed,
 * `analysis_config_not_found`, `contents_not_stored`, `queue_error`, `store_unavailable`
 */
export async function createAnalysis(
  context: AnalysesContext,
  caller: Caller,
  { conversationId, branchId, template = 'summary' }: AnalysisRequest,
): Promise<QueuedAnalysis> {
  const conversation = await getConversation(context, caller, conversationId, branchId);
  const branch = { conversationId: conversation.conversationId, branchId };
  const latest = await findLatest(context, branch);
  if (latest && latest.status !== 'failed') throw exists(latest);
  const settings = await chooseSettings(context, template);
  return queueAnalysis(context, caller, { ...branch, template, settings });
}

/** What became of one of several requests. */
export type BulkOutcome = { readonly queued: QueuedAnalysis } | { readonly problem: ProxyError };

/**
 * Asks for several analyses. Each is asked for by itself: one that is refused does not keep the others from being made.
 *
 * @throws {ProxyError} `store_unavailable`
 */
export async function createAnalyses(
  context: AnalysesContext,
  caller: Caller,
  requests: readonly AnalysisRequest[],
): Promise<BulkOutcome[]> {
  const outcomes: BulkOutcome[] = [];
  for (const request of requests) {
    try {
      outcomes.push({ queued: await createAnalysis(context, caller, request) });
    } catch (problem) {
      if (!(problem instanceof ProxyError) || problem.code === 'store_unavailable') throw problem;
      outcomes.push({ problem });
    }
  }
  return outcomes;
}

/** The latest analysis of a branch that the caller may read. @throws {ProxyError} `analysis_not_found`, `store_unavailable` */
export async function getAnalysis(
  context: AnalysesContext,
  caller: Caller,
  asked: AnalyzedBranch,
): Promise<ConversationAnalysis & { readonly conversationDetails: ConversationDetails }> {
  const conversation = await requireConversation(context, caller, asked);
  const row = await requireLatest(context, asked);
  return { ...openAnalysis(context, row), conversationDetails: describe(context, conversation, asked.branchId) };
}

/**
 * Asks for another analysis of a branch that has one. The former one stays in the branch's history.
 *
 * @param template undefined: that of the former one
 * @throws {ProxyError} `analysis_not_found`, `analysis_exists` while the former one is being made, and as `createAnalysis`
 */
export async function regenerateAnalysis(
  context: AnalysesContext,
  caller: Caller,
  asked: AnalysisRequest,
): Promise<QueuedAnalysis & { readonly previousAnalysisId: string }> {
  const { conversationId } = await requireConversation(context, caller, asked);
  const former = await requireLatest(context, asked);
  if (former.status === 'pending' || former.status === 'processing') throw exists(former);
  const template = asked.template ?? former.template;
  const settings = await chooseSettings(context, template);
  const { branchId } = asked;
  const queued = await queueAnalysis(context, caller, {
    ...{ conversationId, branchId, template, settings },
    former: former.id,
  });
  return { ...queued, previousAnalysisId: former.id };
}

/** Lists all analyses of a branch that the caller may read, the latest first. @throws {ProxyError} as `getAnalysis` */
export async function listAnalyses(
  context: AnalysesContext,
  caller: Caller,
  asked: AnalyzedBranch,
  page: Page,
): Promise<Listed<ConversationAnalysis>> {
  await requireConversation(context, caller, asked);
  const { organizationId } = context.inForce().snapshot;
  const { analyses, total } = await context.store.run((db) => listBranchAnalyses(db, organizationId, asked, page));
  if (total === 0) throw notFound(asked);
  return { items: analyses.map((row) => openAnalysis(context, row)), total };
}

/**
 * The latest analysis of a branch that the caller may read, to be followed.
 *
 * @throws {ProxyError} as `getAnalysis`
 */
export async function findAnalysisToFollow(
  context: AnalysesContext,
  caller: Caller,
  asked: AnalyzedBranch,
): Promise<string> {
  await requireConversation(context, caller, asked);
  return (await requireLatest(context, asked)).id;
}

/** Whoever may not read the conversation gets the same answer as where there is none. */
async function requireConversation(
  context: AnalysesContext,
  caller: Caller,
  asked: AnalyzedBranch,
): Promise<OpenConversation> {
  try {
    return await getConversation(context, caller, asked.conversationId);
  } catch (error) {
    if (error instanceof ProxyError && error.code === 'conversation_not_found') throw notFound(asked);
    throw error;
  }
}

function findLatest({ inForce, store }: AnalysesContext, branch: AnalyzedBranch) {
  const { organizationId } = inForce().snapshot;
  return store.run((db) => findLatestAnalysis(db, organizationId, branch));
}

async function requireLatest(context: AnalysesContext, asked: AnalyzedBranch): Promise<ConversationAnalysisRow> {
  const latest = await findLatest(context, asked);
  if (!latest) throw notFound(asked);
  return latest;
}

function notFound({ conversationId, branchId }: AnalyzedBranch): ProxyError {
  const message = `No analysis found for conversation ${conversationId.slice(0, 100)} branch ${branchId.slice(0, 255)}`;
  return new ProxyError('analysis_not_found', { message });
}

function describe({ inForce }: AnalysesContext, conversation: OpenConversation, branchId: string): ConversationDetails {
  const { snapshot } = inForce();
  const path = pathOf(conversation.turns, branchId);
  return {
    domain: snapshot.organizationName,
    accountId: conversation.user ?? snapshot.organizationId,
    messageCount: conversation.tree.find((branch) => branch.branchId === branchId)?.messageCount ?? 0,
    totalTokens: path.reduce((total, turn) => total + (turn.totalTokens ?? 0), 0),
  };
}
