import { type Static, Type } from 'typebox';
import type { GovernanceContext } from '../../governance/context.ts';
import { nameArticles } from '../../governance/knowledge/source-articles.ts';
import { Nullable } from '../../http/schemas.ts';

export const SourceArticles = Type.Array(
  Type.Object({
    article_id: Type.String(),
    title: Type.String(),
    url: Nullable(Type.String(), '`metadata.url` of the article: where the organization shows it.'),
  }),
  { description: 'The articles of `sources` that are published.' },
);

/** @returns shows the articles with these ids */
export async function showSourceArticles(
  context: Pick<GovernanceContext, 'inForce' | 'store'>,
  ids: Iterable<string>,
): Promise<(sources: readonly string[]) => Static<typeof SourceArticles>> {
  const named = await nameArticles(context, [...new Set(ids)]);
  return (sources) =>
    sources.flatMap((source) => {
      const article = named.get(source);
      return article ? [{ article_id: article.id, title: article.title, url: article.url }] : [];
    });
}
