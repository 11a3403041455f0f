import { findArticle, lockArticle } from '../../database/knowledge.ts';
import { holdSpace, listArticlesToIndex, releaseSpace } from '../../database/knowledge-vectors.ts';
import { inTransaction } from '../../database/transaction.ts';
import { openArticle } from '../../knowledge/article.ts';
import { indexArticle } from '../../knowledge/indexing.ts';
import { indexingJob, knowledgeSettingsOf } from '../../knowledge/settings.ts';
import { ProxyError, problems } from '../../proxy/error.ts';
import { JobError } from '../job-error.ts';
import type { WorkerOrganization } from '../organizations.ts';
import type { Task } from '../task.ts';
import { makeMissingVectors } from './index-knowledge/make-missing-vectors.ts';

/** How many articles are asked for at once. */
const articlesAtOnce = 100;
/** When another job looks again whether the one before has ended. */
const lookAgainMs = 5_000;

/**
 * Makes the index of the knowledge base what the articles and the Organization say: words or none, and a vector for each
 * passage. What it has stored stays, so an attempt goes on where the one before ended.
 */
export const indexKnowledge: Task = {
  async run(context) {
    const { organization, job, signal } = context;
    const { store, id } = organization;
    // The job may have come before the configuration that it is about.
    await organization.configuration.follower.catchUp();
    const { isSearchable, embedding } = knowledgeSettingsOf(organization.inForce().snapshot.spec);
    await indexAgain(organization, isSearchable, signal);
    if (!embedding) return;
    const { space } = embedding;
    // One job at a time, so that nothing is asked for twice.
    if (!(await store.run((db) => holdSpace(db, id, space, job.id)))) {
      await context.addJob({ ...indexingJob, dueAt: new Date(Date.now() + lookAgainMs) });
      return;
    }
    const release = () => store.run((db) => releaseSpace(db, id, space, job.id));
    await makeMissingVectors(context, embedding).catch(async (error: unknown) => {
      // A job that is added before the next attempt need not wait. Without the database, the hold ends by itself.
      await release().catch(() => {});
      return tryLater(error);
    });
    await release();
  },
};

/** What the provider refuses now, it may take when a key or the Organization is corrected. */
function tryLater(error: unknown): never {
  if (!(error instanceof ProxyError)) throw error;
  throw new JobError(error.code, problems[error.code].message, { cause: error });
}

/** Indexes the articles whose index is of another kind than the Organization wants. */
async function indexAgain(organization: WorkerOrganization, hasWords: boolean, signal: AbortSignal): Promise<void> {
  const { store, id } = organization;
  for (;;) {
    const articleIds = await store.run((db) => listArticlesToIndex(db, id, hasWords, articlesAtOnce));
    if (articleIds.length === 0) return;
    for (const articleId of articleIds) {
      signal.throwIfAborted();
      await indexOne(organization, hasWords, articleId);
    }
  }
}

/** Indexes an article as it is now. */
async function indexOne(organization: WorkerOrganization, isSearchable: boolean, articleId: string) {
  const { store, id: organizationId } = organization;
  const { envelope } = organization.inForce();
  await store.run((db) =>
    inTransaction(db, async () => {
      const row = (await lockArticle(db, organizationId, articleId))
        ? await findArticle(db, organizationId, articleId)
        : undefined;
      if (!row) return;
      const article = openArticle(envelope, organizationId, row);
      await indexArticle(db, { organizationId, envelope, settings: { isSearchable } }, article);
    }),
  );
}
