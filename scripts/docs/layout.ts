import { escapeHtml } from './highlight.ts';
import type { Heading } from './markdown.ts';
import { type Group, navigation } from './navigation.ts';
import { addressFrom, pageOf } from './paths.ts';

export interface Page {
  /** Relative to the site. */
  readonly path: string;
  readonly title: string;
  readonly html: string;
  readonly headings: readonly Heading[];
  /** The file that it shows, relative to the repository. */
  readonly source: string;
}

/** A whole page: the menu, what it says, and the list of its headings. It asks for nothing from elsewhere. */
export function renderPage(
  { path, title, html, headings, source }: Page,
  groups: readonly Group[] = navigation,
): string {
  const to = (target: string) => escapeHtml(encodeURI(addressFrom(path, target)));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}${title === 'Chaperone' ? '' : ' · Chaperone'}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${to('assets/style.css')}">
<script>const t=localStorage.getItem('theme');if(t)document.documentElement.dataset.theme=t</script>
</head>
<body>
<a class="skip" href="#content">To the text</a>
<header class="bar">
<button type="button" class="menu-button" aria-controls="menu" aria-expanded="false">Menu</button>
<a class="name" href="${to('index.html')}">Chaperone</a>
<div class="search" role="search">
<input type="search" placeholder="Search  ( / )" aria-label="Search the documentation" autocomplete="off" spellcheck="false" data-root="${to('index.html').replace(/index\.html$/, '')}">
<ol class="hits" hidden></ol>
</div>
<button type="button" class="theme" aria-label="Dark or light">◐</button>
</header>
<div class="columns">
<nav id="menu" class="menu" aria-label="Documentation">
${groups.map((group) => renderGroup(group, path, to)).join('\n')}
</nav>
<main id="content">
${html}
<p class="source">Made from <code>${escapeHtml(source)}</code>.</p>
</main>
${renderContents(headings)}
</div>
<script src="${to('assets/site.js')}" defer></script>
</body>
</html>
`;
}

function renderGroup({ title, entries }: Group, path: string, to: (target: string) => string): string {
  const items = entries.map(([document, name]) => {
    const [file = '', anchor] = document.split('#');
    const isHere = anchor === undefined && pageOf(file) === path;
    const address = `${to(pageOf(file))}${anchor === undefined ? '' : `#${anchor}`}`;
    return `<li><a href="${address}"${isHere ? ' aria-current="page"' : ''}>${escapeHtml(name)}</a></li>`;
  });
  return `<h2>${escapeHtml(title)}</h2>\n<ul>${items.join('')}</ul>`;
}

function renderContents(headings: readonly Heading[]): string {
  const shown = headings.filter(({ level }) => level === 2 || level === 3);
  if (shown.length < 2) return '<aside class="contents"></aside>';
  const items = shown.map(
    ({ level, text, anchor }) => `<li class="level-${level}"><a href="#${anchor}">${escapeHtml(text)}</a></li>`,
  );
  return `<aside class="contents" aria-label="On this page"><h2>On this page</h2><ul>${items.join('')}</ul></aside>`;
}
