import { writeAnalysisDraft } from '../../../database/conversation-analyses.ts';
import { sealContent } from '../../../proxy/governance/conversation-analyses/settings.ts';
import type { WorkerOrganization } from '../../organizations.ts';

/** The text of an analysis while it is written, for who reads it meanwhile. */
export interface Draft {
  /** Stores the text so far. While one is being stored, only the newest of the next ones waits. */
  show(text: string): void;
  /** Resolves when nothing is being stored any more. */
  settled(): Promise<void>;
}

/** Makes the draft of an analysis. That it cannot be stored keeps nobody from writing on: its end has all of the text. */
export function makeDraft(organization: Pick<WorkerOrganization, 'id' | 'store' | 'inForce'>, id: string): Draft {
  let next: string | undefined;
  let writing: Promise<void> | undefined;
  const write = async () => {
    for (let text = next; text !== undefined; text = next) {
      next = undefined;
      const sealed = sealContent(organization.inForce().envelope, organization.id, id, text);
      await organization.store.run((db) => writeAnalysisDraft(db, organization.id, id, sealed));
    }
  };
  return {
    show(text) {
      next = text;
      writing ??= write()
        .catch(() => {})
        .finally(() => {
          writing = undefined;
        });
    },
    async settled() {
      await writing;
    },
  };
}
