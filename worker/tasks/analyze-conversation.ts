import {
  beginConversationAnalysis,
  completeConversationAnalysis,
  failConversationAnalysis,
} from '../../database/conversation-analyses.ts';
import { listTurns } from '../../database/conversations.ts';
import type { Queryable } from '../../database/queryable.ts';
import { inTransaction } from '../../database/transaction.ts';
import { openSettings, sealContent } from '../../proxy/governance/conversation-analyses/settings.ts';
import { mostTurns } from '../../proxy/governance/conversations/conversations.ts';
import { readBranchMessages } from '../../proxy/governance/conversations/messages.ts';
import { JobError } from '../job-error.ts';
import type { WorkerOrganization } from '../organizations.ts';
import type { Task } from '../task.ts';
import { makeDraft } from './analyze-conversation/draft.ts';
import { tellOfAnalysis } from './analyze-conversation/tell.ts';
import { writeAnalysis } from './analyze-conversation/write.ts';

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
    const { text, ...written } = await writeAnalysis(ask, writer, settings, messages).finally(draft.settled);
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
