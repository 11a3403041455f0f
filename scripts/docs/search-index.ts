import MiniSearch from 'minisearch';
import { searchOptions } from './browser/search-options.ts';
import type { Page } from './layout.ts';

/**
 * Makes a script that holds the search index: a page that was opened from a disk may load scripts, but no data. Each
 * section of a page is an entry, so that a hit leads to its heading.
 */
export function makeSearchIndex(pages: readonly Page[]): string {
  const index = new MiniSearch(searchOptions);
  index.addAll(pages.flatMap(sectionsOf));
  return `window.searchIndex=${JSON.stringify(JSON.stringify(index))}`;
}

interface Section {
  readonly id: string;
  readonly title: string;
  readonly page: string;
  readonly text: string;
  /** What a hit shows. */
  readonly beginning: string;
}

function sectionsOf({ path, title, html }: Page): readonly Section[] {
  return html.split(/(?=<h[1-6] id=")/).flatMap((part) => {
    const [, anchor = '', heading = title] = /^<h[1-6] id="([^"]*)">(.*?)<a class="anchor"/s.exec(part) ?? [];
    const text = textOf(part.replace(/^<h[1-6] id=.*?<\/h[1-6]>/s, ''));
    if (anchor === '' && text === '') return [];
    const beginning = text.slice(0, 160);
    return [{ id: anchor === '' ? path : `${path}#${anchor}`, title: textOf(heading), page: title, text, beginning }];
  });
}

function textOf(html: string): string {
  return html
    .replaceAll(/<(svg|button)[\s\S]*?<\/\1>/g, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
