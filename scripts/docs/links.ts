import { posix } from 'node:path';
import { addressFrom, filePage, folderPage, pageOf } from './paths.ts';
import type { Repository } from './repository.ts';

/** What links of documents lead to, beside documents. */
export interface Linked {
  readonly files: Set<string>;
  readonly folders: Set<string>;
}

/**
 * Turns a link of a document into the address of a page: of a document, of a file's text or of a folder's list.
 * Addresses elsewhere and within the page stay; so does what leads nowhere, which the search for dead links reports.
 */
export function resolveLink(repository: Repository, linked: Linked, document: string, href: string): string {
  if (/^([a-z][a-z0-9+.-]*:|#)/i.test(href)) return href;
  const [path = '', anchor] = href.split('#');
  const target = posix.join(posix.dirname(document), decodeURI(path)).replace(/\/$/, '').replace(/^\.$/, '');
  const page = pageOfTarget(repository, linked, target);
  if (page === undefined) return href;
  return `${encodeURI(addressFrom(pageOf(document), page))}${anchor === undefined ? '' : `#${anchor}`}`;
}

function pageOfTarget({ files, folders }: Repository, linked: Linked, target: string): string | undefined {
  if (target.endsWith('.md') && files.has(target)) return pageOf(target);
  if (files.has(target)) {
    linked.files.add(target);
    return filePage(target);
  }
  const readme = posix.join(target, 'README.md');
  if (files.has(readme)) return pageOf(readme);
  if (!folders.has(target)) return undefined;
  linked.folders.add(target);
  return folderPage(target);
}
