import { createHash, createHmac } from 'node:crypto';
import type { Organization } from '../../crds/resources.generated.ts';
import { type DataKeySet, type Envelope, makeEnvelope } from '../../database/envelope.ts';
import { addJobOf } from '../../database/jobs.ts';
import { writeArticle } from '../../database/knowledge.ts';
import type { Queryable } from '../../database/queryable.ts';
import {
  deleteArticleOf,
  listStatedArticles,
  noteStatedArticle,
  type StatedArticle,
} from '../../database/stated-articles.ts';
import type { Transact } from '../../database/transaction.ts';
import { sealArticle } from '../../knowledge/article.ts';
import { indexArticle } from '../../knowledge/indexing.ts';
import { indexingJob, type KnowledgeSettings, knowledgeSettingsOf } from '../../knowledge/settings.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { gatherArticles, type StatedFile, type StatedFiles } from './gather.ts';

export interface ArticlesContext {
  readonly cluster: Pick<Cluster, 'list'>;
  readonly db: Queryable;
  readonly transact: Transact;
  readonly isOneMachine?: boolean;
}

/** What an organization's articles are written with. */
interface Writing {
  readonly organizationId: string;
  readonly envelope: Envelope;
  readonly settings: KnowledgeSettings;
}

/**
 * Makes the articles of an organization what files state: in ConfigMaps of the namespaces that it names, or in the folder
 * `articles` of local mode. One that no file states any more is deleted.
 *
 * @returns the condition about them; undefined where it never had one
 */
export async function reconcileArticles(
  { cluster, db, transact, isOneMachine = false }: ArticlesContext,
  organization: Organization,
  organizationId: string,
  dataKeys: DataKeySet,
): Promise<Verdict | undefined> {
  const stated = gatherArticles(cluster, organization, isOneMachine);
  const known = new Map((await listStatedArticles(db, organizationId)).map((row) => [row.resource, row]));
  const envelope = makeEnvelope(dataKeys);
  const writing = { organizationId, envelope, settings: knowledgeSettingsOf(organization.spec) };
  const key = envelope.lastingKey(organizationId, 'article_files');
  for (const file of stated.files) {
    const sourceDigest = createHmac('sha256', key).update(file.text).digest();
    const before = known.get(file.resource);
    if (before?.sourceDigest.equals(sourceDigest)) continue;
    await transact((one) => write(one, writing, file, sourceDigest, before));
  }
  const staying = new Set([...stated.files, ...stated.problems].map(({ resource }) => resource));
  for (const { resource, articleId } of known.values()) {
    if (!staying.has(resource)) await transact((one) => deleteArticleOf(one, organizationId, articleId));
  }
  const hadCondition = organization.status?.conditions?.some(({ type }) => type === 'ArticlesReady') ?? false;
  return judgeArticles(stated, hadCondition);
}

async function write(
  db: Queryable,
  { organizationId, envelope, settings }: Writing,
  { resource, article }: StatedFile,
  sourceDigest: Buffer,
  before: StatedArticle | undefined,
): Promise<void> {
  const id = before?.articleId ?? articleIdOf(organizationId, resource);
  const version = (before?.version ?? 0) + 1;
  const { status, language, category, tags } = article;
  const sealed = sealArticle(envelope, organizationId, id, version, article);
  const filed = { articleId: id, version, status, language, category, tags, sealed };
  const times = await writeArticle(db, organizationId, filed);
  await noteStatedArticle(db, organizationId, { articleId: id, resource, sourceDigest });
  const written = { ...article, id, version, resource, ...times };
  await indexArticle(db, { organizationId, envelope, settings, asOwner: true }, written);
  if (settings.embedding && status === 'published') await addJobOf(db, organizationId, indexingJob);
}

/** A file that is deleted and comes again is the same article. */
function articleIdOf(organizationId: string, resource: string): string {
  return `kb_${createHash('sha256').update(`${organizationId} ${resource}`).digest('hex').slice(0, 24)}`;
}

/** A condition names only the first ones. */
const mostNamed = 10;

/** The condition about the files of articles. */
export function judgeArticles({ files, problems }: StatedFiles, hadCondition: boolean): Verdict | undefined {
  const type = 'ArticlesReady';
  if (problems.length > 0) {
    const named = problems.slice(0, mostNamed).map(({ resource, line, field, reason }) => {
      const place = line === undefined ? resource : `${resource}, line ${line}`;
      return `${place}: ${field === undefined ? '' : `${field} `}${reason}`;
    });
    const more = problems.length > mostNamed ? ` and ${problems.length - mostNamed} more` : '';
    const message = `These files are no articles: ${named.join('; ')}${more}. Correct them; what they said before stays in force.`;
    return { type: 'ArticlesReady', status: false, reason: 'ArticleInvalid', message };
  }
  if (files.length === 0 && !hadCondition) return undefined;
  return { type, status: true, reason: 'Ready', message: `${files.length} articles are in force as files state them.` };
}
