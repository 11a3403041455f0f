import {
  beginConversationAnalysis,
  completeConversationAnalysis,
  failConversationAnalysis,
  findAnalyzedUser,
} from '../../database/conversation-analyses.ts';
import { listTurns } from '../../database/conversations.ts';
import type { Queryable } from '../../database/queryable.ts';
import { inTransaction } from '../../database/transaction.ts';
import { openSettings, sealContent } from '../../proxy/governance/conversation-analyses/settings.ts';
import { mostTurns } from '../../proxy/governance/conversations/conversations.ts';
import { readBranchMessages } from '../../proxy/governance/conversations/messages.ts';
import { JobError } from '../job-error.ts';
import type { WorkerOrganization } from '../organizations.ts';
import type { Task, TaskContext } from '../task.ts';
import { makeDraft } from './analyze-conversation/draft.ts';
import { tellOfAnalysis } from './analyze-conversation/tell.ts';
import { writeAnalysis } from './analyze-conversation/write.ts';

/** The analysis has ended, or its conversation was erased. */
class AnalysisGone extends Error {}

/** Makes the analysis with this id. */
export const analyzeConversation: Task = {
  async run({ organization, ask, signal }, id) {
    const { store, inForce } = organization;
    const row = await store.run((db) => beginConversationAnalysis(db, organization.id, id));
    // It has ended, or its conversation was erased.
    if (!row) return;
    const { conversationId, branchId, requestedBy, settingsSealed } = row;
    const settings = openSettings(inForce().envelope, organization.id, id, settingsSealed);
    const turns = await store.run((db) => listTurns(db, organization.id, conversationId, mostTurns));
    const { messages, missingCalls } = await readBranchMessages({ store, inForce }, { turns }, branchId, mostTurns);
    if (messages.length === 0) {
      const message = 'Nothing of what was said on the branch is stored';
      throw new JobError('contents_not_stored', message, { isFinal: true });
    }
    signal.throwIfAborted();
    const draft = makeDraft(organization, id);
    const writer = { id, user: requestedBy ?? undefined, onText: draft.show };
    const askWhileKept: TaskContext['ask'] = async (question) => {
      // What is in memory must not be said again once its user is erased.
      const quotes = await store.run((db) => findAnalyzedUser(db, organization.id, id));
      if (quotes === undefined) throw new AnalysisGone();
      return ask({ ...question, quotes });
    };
    const made = await writeAnalysis(askWhileKept, writer, settings, messages)
      .catch((error: unknown) => {
        if (error instanceof AnalysisGone) return undefined;
        throw error;
      })
      .finally(draft.settled);
    if (!made) return;
    const { text, ...written } = made;
    const content = sealContent(inForce().envelope, organization.id, id, text);
    const metadata = { ...written, messageCount: messages.length, missingCalls };
    signal.throwIfAborted();
    await end(organization, id, (db) => completeConversationAnalysis(db, organization.id, id, content, metadata));
  },
  async gaveUp({ organization }, id, failure) {
    await end(organization, id, (db) => failConversationAnalysis(db, organization.id, id, failure));
  },
};

/** Ends an analysis, once, and tells webhooks of it in the same transaction. */
async function end(
  { store, id: organizationId }: WorkerOrganization,
  id: string,
  write: (db: Queryable) => Promise<boolean>,
): Promise<void> {
  await store.run((db) =>
    inTransaction(db, async () => {
      if (await write(db)) await tellOfAnalysis(db, organizationId, id);
    }),
  );
}
