import type {
  AnalysisMetadata,
  AnalysisStatus,
  AnalyzedBranch,
  ConversationAnalysisRow,
} from '../../../database/conversation-analyses.ts';
import { EnvelopeError } from '../../../database/envelope.ts';
import type { AnalysesContext } from './queue.ts';
import { openContent } from './settings.ts';

/** An analysis of a branch, as its readers see it. */
export interface ConversationAnalysis extends AnalyzedBranch {
  readonly id: string;
  readonly status: AnalysisStatus;
  readonly template: string;
  /** Markdown. Null until it is completed. */
  readonly content: string | null;
  /** Null until it is completed. */
  readonly metadata: AnalysisMetadata | null;
  /** Why it has failed. */
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly completedAt: Date | null;
}

/** An analysis as its readers see it. */
export function openAnalysis(
  { inForce }: Pick<AnalysesContext, 'inForce'>,
  row: ConversationAnalysisRow,
): ConversationAnalysis {
  const { id, conversationId, branchId, status, template, metadata } = row;
  const { createdAt, updatedAt, completedAt, errorCode, errorMessage } = row;
  return {
    ...{ id, conversationId, branchId, status, template },
    content: status === 'completed' ? openText({ inForce }, row) : null,
    metadata,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? '' },
    ...{ createdAt, updatedAt, completedAt },
  };
}

/** The text, as far as it is written. Null: there is none, or it was sealed with a data key that is lost. */
export function openText(
  { inForce }: Pick<AnalysesContext, 'inForce'>,
  { id, contentSealed }: Pick<ConversationAnalysisRow, 'id' | 'contentSealed'>,
): string | null {
  if (contentSealed === null) return null;
  const { snapshot, envelope } = inForce();
  try {
    return openContent(envelope, snapshot.organizationId, id, contentSealed);
  } catch (error) {
    if (error instanceof EnvelopeError) return null;
    throw error;
  }
}
