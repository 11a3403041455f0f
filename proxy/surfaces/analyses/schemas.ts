import { type Static, Type } from 'typebox';
import type { ConversationDetails } from '../../governance/conversation-analyses/analyses.ts';
import type { ConversationAnalysis } from '../../governance/conversation-analyses/open.ts';
import { notBlank } from '../../http/not-blank.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';

export const ConversationId = Type.String({ format: 'uuid', description: 'As in X-Conversation-ID.' });

/** `main`, or `branch-` and eight digits. */
export const BranchId = Type.String({
  minLength: 1,
  maxLength: 100,
  description: '`main`, or `branch-` and eight digits, as in X-Branch-ID.',
});

export const Template = Type.String({
  pattern: notBlank,
  maxLength: 200,
  description:
    'What the analysis is to say: `summary` (the default), `technical`, `security_audit`, or the name of an AnalysisConfig with a template.',
});

const Id = Type.String({ description: 'Of the analysis.' });

export const queuedFields = {
  id: Id,
  conversationId: ConversationId,
  branchId: BranchId,
  status: Type.Literal('pending'),
  template: Template,
  message: Type.String(),
};

const Metadata = Type.Object({
  totalTokens: Nullable(Type.Integer(), 'Of all calls; null where a provider did not say.'),
  processingTime: Type.Integer({ description: 'Milliseconds from the beginning of the first attempt to the end.' }),
  model: Type.String({ description: 'The model that wrote it.' }),
  costUsd: Nullable(Type.Number(), 'US dollars of all calls; null where one of them is unpriced.'),
  calls: Type.Integer({ description: 'How many calls it took.' }),
  requestIds: Type.Array(Type.String(), { description: 'Of these calls.' }),
  parts: Type.Integer({ description: 'How many parts the conversation was read in.' }),
  messageCount: Type.Integer({ description: 'How many messages were analyzed.' }),
  missingCalls: Type.Integer({ description: 'How many calls of the branch had no stored contents.' }),
  isTruncated: Type.Boolean({ description: 'Whether the model came to the limit of its answer.' }),
});

const Failure = Type.Object({ code: Type.String(), message: Type.String() });

export const analysisFields = {
  id: Id,
  conversationId: ConversationId,
  branchId: BranchId,
  status: Type.Enum(['pending', 'processing', 'completed', 'failed']),
  template: Template,
  content: Nullable(Type.String(), 'Markdown. Null until it is completed.'),
  metadata: Nullable(Metadata, 'Null until it is completed.'),
  error: Nullable(Failure, 'Why it has failed.'),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  completedAt: Nullable(Timestamp, 'When it was completed or failed.'),
};

export const Details = Type.Object(
  {
    domain: Type.String({ description: 'The name of the organization.' }),
    accountId: Type.String({
      description: 'The user of the conversation; the id of the organization where its calls name none.',
    }),
    messageCount: Type.Integer(),
    totalTokens: Type.Integer({ description: 'Of the calls from the beginning to the end of the branch.' }),
  },
  { description: 'The branch as it is now.' },
);

const ShownAnalysis = Type.Object(analysisFields);

export function showAnalysis(analysis: ConversationAnalysis): Static<typeof ShownAnalysis> {
  const { id, conversationId, branchId, status, template, content, metadata, error } = analysis;
  const { createdAt, updatedAt, completedAt } = analysis;
  return {
    ...{ id, conversationId, branchId, status, template, content },
    metadata: metadata && { ...metadata, requestIds: [...metadata.requestIds] },
    error,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    completedAt: completedAt?.toISOString() ?? null,
  };
}

export function showDetails({ domain, accountId, messageCount, totalTokens }: ConversationDetails) {
  return { domain, accountId, messageCount, totalTokens };
}
