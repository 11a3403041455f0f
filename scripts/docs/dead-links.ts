import { posix } from 'node:path';
import type { Site } from './site.ts';

/** Links of pages that lead to no page of the site or to no heading there, and whatever a page loads from elsewhere. */
export function findDeadLinks(site: Site): readonly string[] {
  const anchors = new Map(
    [...site].map(([path, text]) => [path, new Set(typeof text === 'string' ? idsOf(text) : [])]),
  );
  return [...site].flatMap(([path, html]) =>
    typeof html === 'string' && path.endsWith('.html') ? findDeadIn(path, html, anchors) : [],
  );
}

const idsOf = (html: string) => [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id = '']) => id);

function findDeadIn(path: string, html: string, anchors: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const loaded = [
    ...html.matchAll(/<(?:img|script|link|iframe|source)\s[^>]*?(?:src|href)="((?:https?:)?\/\/[^"]*)"/g),
  ];
  const fetched = loaded.map(([, address = '']) => `${path} loads ${address}`);
  const links = [...html.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, address = '']) => address);
  const dead = links.filter((address) => !isAlive(path, address, anchors));
  return [...fetched, ...[...new Set(dead)].map((address) => `${path} links to ${address}, which is not there`)];
}

function isAlive(path: string, address: string, anchors: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  if (/^[a-z][a-z0-9+.-]*:/i.test(address)) return true;
  const [target = '', anchor] = decodeURI(address.replaceAll('&amp;', '&')).split('#');
  const page = target === '' ? path : posix.join(posix.dirname(path), target);
  const ids = anchors.get(page);
  return ids !== undefined && (anchor === undefined || anchor === '' || ids.has(anchor));
}
