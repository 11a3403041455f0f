import { posix } from 'node:path';

/** Documents become pages at their own place: `docs/limits.md` is `docs/limits.html`, a README is its folder's index. */
export function pageOf(document: string): string {
  return document.replace(/README\.md$/, 'index.html').replace(/\.md$/, '.html');
}

/** The page that shows a file that is no document, such as `files/crds/personas.yaml.html`. */
export const filePage = (file: string): string => `files/${file}.html`;

/** The page that lists a folder. */
export const folderPage = (folder: string): string => `files/${folder === '' ? 'index' : folder}/index.html`;

/** The relative address of a page, from another one. */
export function addressFrom(page: string, target: string): string {
  return posix.relative(posix.dirname(page), target) || posix.basename(target);
}
