import { join } from 'node:path';
import { makeBrowserFile, sendBrowserFile } from '../../http/browser-file.ts';
import type { SurfaceApp } from '../../http/surface.ts';

const files = {
  'console.js': 'text/javascript; charset=utf-8',
  'console.css': 'text/css; charset=utf-8',
} as const;

/** Addresses are relative, so that the console works below whatever path a proxy in front has. */
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Chaperone</title>
<link rel="stylesheet" href="console/console.css">
<link rel="icon" href="data:,">
<script src="console/console.js" defer></script>
</head>
<body>
<div id="console"></div>
<noscript>The console needs JavaScript. The API is described at <a href="docs">/docs</a>.</noscript>
</body>
</html>
`;

const headers = {
  // Nothing from anywhere else, no script and no style within the page, and no other page around it.
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types lit-html',
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // The browser asks whether what it has is the newest; the answer is a line.
  'cache-control': 'no-cache',
};

/** `GET /console`: the console ([console/](../../../console)), a page, a script and a style sheet. */
export function registerConsole(app: SurfaceApp): void {
  app.get('/console', { schema: { hide: true } }, (_request, reply) =>
    reply.headers(headers).type('text/html; charset=utf-8').send(page),
  );
  app.get('/console/', { schema: { hide: true } }, (_request, reply) => reply.redirect('../console'));
  for (const [name, type] of Object.entries(files)) {
    const read = makeBrowserFile({
      built: join(import.meta.dirname, name),
      builder: [join(import.meta.dirname, '../../../scripts/build/console.ts'), name],
    });
    app.get(`/console/${name}`, { schema: { hide: true } }, async (request, reply) =>
      sendBrowserFile(request, reply.headers(headers), await read(), type),
    );
  }
}
