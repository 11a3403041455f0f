import { html, nothing } from 'lit/html.js';
import { showMarkdown } from '../../widget/view/markdown.ts';
import type { WholeArticle } from '../data/articles.ts';
import { at, linkTo } from '../data/route.ts';
import { definePage, type View } from '../page.ts';
import { stateBadge } from '../parts/badge.ts';
import { showDiff } from '../parts/diff.ts';
import { showFacts, showSection } from '../parts/facts.ts';
import { moment } from '../parts/moment.ts';

interface Data {
  readonly article: WholeArticle;
  readonly versions: readonly { readonly version: number; readonly created_at: string }[];
  /** The version before the shown one. */
  readonly former: WholeArticle | undefined;
}

export const article = definePage<Data>({
  path: '/knowledge/:id',
  title: 'Article',
  async load({ api, me, params: { id = '' }, query: { version } }) {
    const path = `/api/v1/knowledge-base/${encodeURIComponent(id)}`;
    const [article, versions] = await Promise.all([
      api.get<WholeArticle>(path, { version }),
      me.sees_organization ? api.get<{ versions: Data['versions'] }>(`${path}/versions`) : { versions: [] },
    ]);
    const before = versions.versions.find((one) => one.version < article.version);
    const former = before && (await api.get<WholeArticle>(path, { version: before.version }));
    return { article, versions: versions.versions, former };
  },
  show: (data, view) => html`<p class="crumbs"><a href="#/knowledge">Knowledge base</a></p>
    <div class="aside">
      <div class="page">
        ${showSection(data.article.title, html`<div class="prose" lang=${data.article.language}>${showMarkdown(data.article.content)}</div>`)}
        ${data.former ? showSection(`What version ${data.article.version} changed`, showDiff('Change of the article', data.former.content, data.article.content)) : nothing}
      </div>
      <div class="page">${showSection('About it', showAbout(data))} ${data.versions.length > 1 ? showSection('Versions', showVersions(data, view)) : nothing}</div>
    </div>`,
});

function showAbout({ article }: Data) {
  return showFacts([
    ['State', stateBadge(article.status)],
    ['Category', article.category],
    ['Tags', article.tags.join(', ')],
    ['Language', article.language],
    ['In the index', article.indexed ? 'yes' : 'on its way'],
    ['Made', moment(article.created_at)],
    ['Changed', moment(article.updated_at)],
    ['Id', html`<code>${article.article_id}</code>`],
    ['Metadata', Object.keys(article.metadata).length > 0 && html`<code>${JSON.stringify(article.metadata)}</code>`],
  ]);
}

function showVersions({ article, versions }: Data, { params: { id = '' } }: View) {
  return html`<ul class="tree">
    ${versions.map(
      ({ version, created_at }) => html`<li>
        <a href=${linkTo(at('/knowledge', id), { version })} aria-current=${version === article.version ? 'true' : nothing}>
          <span class="strong">Version ${version}</span> <span class="muted">${moment(created_at)}</span>
        </a>
      </li>`,
    )}
  </ul>`;
}
