import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import MiniSearch from 'minisearch';
import { searchOptions } from '../../../scripts/docs/browser/search-options.ts';
import { findDeadLinks } from '../../../scripts/docs/dead-links.ts';
import { renderMarkdown } from '../../../scripts/docs/markdown.ts';
import { navigation } from '../../../scripts/docs/navigation.ts';
import { buildSite, type Site } from '../../../scripts/docs/site.ts';
import { repository } from '../../directories.ts';

describe('the site of the documentation', () => {
  let site: Site;
  before(async () => {
    site = await buildSite(repository);
  });
  const page = (path: string) => String(site.get(path) ?? assert.fail(`no ${path}`));

  it('has no dead link, and loads nothing from elsewhere', () => {
    assert.ok(site.size > 100, `${site.size} files`);
    assert.deepEqual(findDeadLinks(site), []);
  });

  it('shows files and folders that documents link to', () => {
    assert.match(page('docs/resources/persona.html'), /href="\.\.\/\.\.\/files\/crds\/personas\.yaml\.html"/);
    assert.match(page('files/crds/personas.yaml.html'), /personas\.chaperone\.dev/);
    assert.match(page('docs/dashboards.html'), /href="\.\.\/dashboards\/index\.html"/);
  });

  it('has every document of the menu, and every document of docs/ in the menu or below one of it', () => {
    const menu = page('index.html').split('</nav>')[0] ?? '';
    assert.ok(navigation.length > 5 && menu.includes('docs/limits.html') && menu.includes('docs/api/governance.html'));
    const unlisted = [...site.keys()].filter(
      (path) => /^docs\/(?!runbooks\/).*\.html$/.test(path) && !menu.includes(`href="${path}`),
    );
    assert.deepEqual(unlisted, []);
  });

  it('draws diagrams, and colours code', () => {
    assert.match(page('index.html'), /<figure class="picture"[^>]*><svg/);
    assert.match(page('docs/limits.html'), /<span class="hljs-attr">/);
  });

  it('finds sections by their words', () => {
    const [, json = ''] = page('assets/search-index.js').split('window.searchIndex=');
    const index = MiniSearch.loadJSON(JSON.parse(json), searchOptions);
    const found = (question: string) =>
      index
        .search(question)
        .slice(0, 5)
        .map(({ id }) => String(id));
    assert.ok(
      found('onShortfall').some((id) => id.startsWith('docs/')),
      found('onShortfall').join(),
    );
    assert.ok(found('token revoke').includes('docs/cli.html#chaperone-token-revoke'), found('token revoke').join());
    assert.deepEqual(found('qqqzzz'), []);
  });
});

describe('dead links', () => {
  it('are links to no page, to no heading, and what is loaded from elsewhere', () => {
    const html = `<a href="b.html#x">1</a><a href="b.html#y">2</a><a href="c.html">3</a><a href="https://example.com">4</a>
<script src="https://example.com/x.js"></script>`;
    const found = findDeadLinks(
      new Map([
        ['a.html', html],
        ['b.html', '<h1 id="x">'],
      ]),
    );
    assert.deepEqual(found, [
      'a.html loads https://example.com/x.js',
      'a.html links to b.html#y, which is not there',
      'a.html links to c.html, which is not there',
    ]);
  });
});

describe('a document', () => {
  it('has the anchors that GitHub gives, and resolved links', () => {
    const { html, headings } = renderMarkdown('# A `b` c!\n\n## A\n\n## A\n\n[x](y.md)\n', (href) => `to-${href}`);
    assert.deepEqual(
      headings.map(({ anchor }) => anchor),
      ['a-b-c', 'a', 'a-1'],
    );
    assert.match(html, /<a href="to-y\.md">x<\/a>/);
  });

  it('keeps no tag of a heading’s words, and shows code as it is', () => {
    const { html } = renderMarkdown('```text\n<b> & {{ x }}\n```\n', String);
    assert.match(html, /&lt;b&gt; &amp; \{\{ x \}\}/);
  });
});
