import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { escapeHtml, highlight, languageOf } from './highlight.ts';
import { type Page, renderPage } from './layout.ts';
import { type Linked, resolveLink } from './links.ts';
import { renderMarkdown } from './markdown.ts';
import { type Group, navigation } from './navigation.ts';
import { addressFrom, filePage, folderPage, pageOf } from './paths.ts';
import { openRepository, type Repository } from './repository.ts';
import { makeSearchIndex } from './search-index.ts';

/** The files of the site by their path. */
export type Site = ReadonlyMap<string, string | Uint8Array>;

/** Makes the site of a repository: its documents, the files that these link to, the search, style and scripts. */
export async function buildSite(root: string): Promise<Site> {
  const repository = openRepository(root);
  const linked: Linked = { files: new Set(), folders: new Set() };
  const documents = [...repository.files].filter((file) => file.endsWith('.md')).sort();
  const pages = documents.map((document) => makeDocumentPage(repository, linked, document));
  const files = [...linked.files].map((file) => makeFilePage(repository, file));
  const folders = [...linked.folders].map((folder) => makeFolderPage(repository, linked, folder));
  const groups = completeNavigation(documents);
  const inMenu = new Set(groups.flatMap(({ entries }) => entries.map(([document]) => document.split('#')[0])));
  // Notes of folders are for those who change the code; a search finds what is for users.
  const searched = pages.filter(({ source }) => inMenu.has(source) || source.startsWith('docs/'));
  return new Map<string, string | Uint8Array>([
    ...(await readPictures(root, repository)),
    ...[...pages, ...files, ...folders].map((page) => [page.path, renderPage(page, groups)] as const),
    ['assets/search-index.js', makeSearchIndex(searched)],
    ['assets/site.js', await bundleScript()],
    ['assets/style.css', await readFile(join(import.meta.dirname, 'browser/style.css'), 'utf8')],
  ]);
}

/** Pictures of documents are where the documents have them, since pages are, too. */
async function readPictures(root: string, { files }: Repository): Promise<(readonly [string, Uint8Array])[]> {
  const pictures = [...files].filter((file) => /^docs\/.*\.(png|jpg|gif|svg|webp)$/.test(file));
  return Promise.all(pictures.map(async (file) => [file, await readFile(join(root, file))] as const));
}

function makeDocumentPage(repository: Repository, linked: Linked, document: string): Page {
  const resolve = (href: string) => resolveLink(repository, linked, document, href);
  const { html, headings } = renderMarkdown(repository.read(document), resolve);
  const title = headings.find(({ level }) => level === 1)?.text ?? basename(document);
  return { path: pageOf(document), title, html, headings, source: document };
}

function makeFilePage(repository: Repository, file: string): Page {
  const html = `<h1>${escapeHtml(basename(file))}</h1>
<div class="code"><button type="button" class="copy">Copy</button><pre tabindex="0"><code>${highlight(repository.read(file), languageOf(file))}</code></pre></div>`;
  return { path: filePage(file), title: file, html, headings: [], source: file };
}

type Item = readonly [name: string, page: string | undefined];

/** Lists a folder. What has a page is a link. */
function makeFolderPage({ files, folders }: Repository, linked: Linked, folder: string): Page {
  const path = folderPage(folder);
  const isBelow = (name: string) => name.startsWith(`${folder}/`) && !name.slice(folder.length + 1).includes('/');
  const items: readonly Item[] = [
    ...[...folders]
      .filter(isBelow)
      .map((name): Item => [name, linked.folders.has(name) ? folderPage(name) : undefined]),
    ...[...files].filter(isBelow).map((name): Item => [name, pageOfFile(linked, name)]),
  ];
  const list = items.map(([name, page]) => {
    const shown = escapeHtml(`${basename(name)}${folders.has(name) ? '/' : ''}`);
    return `<li><code>${page === undefined ? shown : `<a href="${encodeURI(addressFrom(path, page))}">${shown}</a>`}</code></li>`;
  });
  const html = `<h1>${escapeHtml(folder)}</h1>\n<ul>${list.join('')}</ul>`;
  return { path, title: folder, html, headings: [], source: folder };
}

function pageOfFile(linked: Linked, file: string): string | undefined {
  if (file.endsWith('.md')) return pageOf(file);
  return linked.files.has(file) ? filePage(file) : undefined;
}

/** The menu without documents that there are not, and with those of docs/ that it does not name. */
export function completeNavigation(documents: readonly string[]): readonly Group[] {
  const known = new Set(documents);
  const named = new Set(navigation.flatMap(({ entries }) => entries.map(([document]) => document.split('#')[0])));
  const unnamed = documents.filter((file) => /^docs\/(?!runbooks\/)/.test(file) && !named.has(file));
  const groups = navigation.map(({ title, entries }) => ({
    title,
    entries: entries.filter(([document]) => known.has(document.split('#')[0] ?? '')),
  }));
  const more = { title: 'More', entries: unnamed.map((file) => [file, basename(file, '.md')] as const) };
  return [...groups, more].filter(({ entries }) => entries.length > 0);
}

async function bundleScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'browser/site.js')],
    ...{ bundle: true, write: false, minify: true, format: 'iife', target: 'es2022', logLevel: 'warning' },
  });
  return outputFiles[0]?.text ?? '';
}
