import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd, type Scope } from '../scope.ts';

/** A page of somebody's website. */
export interface Site {
  /** The page's own configuration, as a file. */
  readonly config?: unknown;
  /** What it has in place of the script that loads the widget. */
  readonly scripts?: string;
  readonly lang?: string;
  /** Allows scripts within the page, as the contract's snippets are. Otherwise the page's policy is strict. */
  readonly allowsInline?: boolean;
}

export interface Website {
  readonly origin: string;
  /** @returns the page's address */
  add(site: Site, path?: string): string;
}

/** Rules of a page that would spoil the widget, were it not in a tree of its own. */
const hostile = `
body { margin: 24px; font: 18px/1.6 serif; }
button, p, li, h2, textarea { font-size: 40px !important; color: red !important; background: yellow !important; }
div { display: none !important; }
`;

/** Serves pages that load the widget from Chaperone, under a Content-Security-Policy that allows no more than they need. */
export async function startWebsite(scope: Scope, chaperone: string): Promise<Website> {
  const sites: Site[] = [];
  const policyOf = ({ allowsInline = false }: Site) =>
    [
      "default-src 'none'",
      `script-src ${allowsInline ? "'unsafe-inline'" : "'self'"} ${chaperone}`,
      `connect-src ${chaperone}`,
      "style-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
    ].join('; ');
  const pageOf = ({ scripts, lang = 'en' }: Site, id: string) => `<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shop</title>
<link rel="stylesheet" href="/page.css">
</head>
<body>
<main><h1>Lamps</h1><section><p><a href="#more">More</a></p></section></main>
${scripts ?? `<script src="/config.js?site=${id}"></script><script src="${chaperone}/widget.js" async></script>`}
</body>
</html>`;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://site');
    const id = searchParams.get('site') ?? '';
    const site = sites[Number(id)] ?? {};
    const send = (type: string, text: string) =>
      response
        .writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': policyOf(site) })
        .end(text);
    if (pathname === '/page.css') send('text/css', hostile);
    else if (pathname === '/config.js')
      send('text/javascript', `window.ChaperoneConfig = ${JSON.stringify(site.config)};`);
    else send('text/html', pageOf(site, id));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  atEnd(scope, () => {
    server.close();
    server.closeAllConnections();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, add: (site, path = '/') => `${origin}${path}?site=${sites.push(site) - 1}` };
}
