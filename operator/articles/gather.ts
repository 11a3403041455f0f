import type { Organization } from '../../crds/resources.generated.ts';
import type { SealedArticle } from '../../knowledge/article.ts';
import { articlesLabel, fileAnnotation } from '../../knowledge/article-files.ts';
import { type ArticleFile, type ArticleProblem, readArticleFile } from '../../knowledge/front-matter.ts';
import type { Cluster, ConfigMap } from '../cluster/cluster.ts';

/** A file of an article, wherever it is kept. */
export interface StatedFile {
  /** `ConfigMap/<namespace>/<name>/<key>`, or the path of the file. */
  readonly resource: string;
  readonly text: string;
  readonly article: SealedArticle;
}

export interface StatedFiles {
  readonly files: readonly StatedFile[];
  /** Those that cannot be read. What they said before stays in force. */
  readonly problems: readonly ({ readonly resource: string } & ArticleProblem)[];
}

/** Collects the articles that ConfigMaps of an organization state. */
export function gatherArticles(
  cluster: Pick<Cluster, 'list'>,
  organization: Organization,
  isOneMachine: boolean,
): StatedFiles {
  const files: StatedFile[] = [];
  const problems: StatedFiles['problems'][number][] = [];
  const isOnly = cluster.list('Organization').length === 1;
  for (const configMap of cluster.list('ConfigMap')) {
    const named = configMap.metadata.labels?.[articlesLabel];
    if (named === undefined || !mayState(configMap, organization, isOneMachine)) continue;
    for (const [key, text, read] of readFiles(configMap)) {
      const resource = resourceOf(configMap, key);
      const owner = named || ('article' in read ? read.organization : undefined);
      if (owner === undefined ? !isOnly : owner !== organization.metadata.name) continue;
      if ('problems' in read) problems.push(...read.problems.map((problem) => ({ resource, ...problem })));
      else files.push({ resource, text, article: read.article });
    }
  }
  return { files, problems };
}

type ReadFile = readonly [key: string, text: string, read: ArticleFile];
/** Objects of the cache are never changed, so each is read once. */
const readBefore = new WeakMap<ConfigMap, readonly ReadFile[]>();

function readFiles(configMap: ConfigMap): readonly ReadFile[] {
  const known = readBefore.get(configMap);
  if (known) return known;
  const files = Object.entries(configMap.data)
    .filter(([key]) => key.endsWith('.md'))
    .map(([key, text]): ReadFile => [key, text, readArticleFile(text)]);
  readBefore.set(configMap, files);
  return files;
}

/** Only namespaces that the Organization names. On one machine, all files are its own. */
function mayState({ metadata }: ConfigMap, { spec }: Organization, isOneMachine: boolean): boolean {
  return isOneMachine || (spec.knowledgeBase?.namespaces?.includes(metadata.namespace ?? '') ?? false);
}

function resourceOf({ metadata }: ConfigMap, key: string): string {
  return metadata.annotations?.[fileAnnotation] ?? `ConfigMap/${metadata.namespace}/${metadata.name}/${key}`;
}
