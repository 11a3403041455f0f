// A website with the support desk's chat (docs/support.md), under a strict Content-Security-Policy.
//
//   node examples/widget/serve.mjs
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

/** Where Chaperone is, as the page names it. */
const chaperone = process.env.CHAPERONE_URL ?? 'http://127.0.0.1:8000';
const port = Number(process.env.PORT ?? 3000);

const types = { html: 'text/html', css: 'text/css', js: 'text/javascript' };
const files = { '/': 'index.html', '/help': 'index.html', '/page.css': 'page.css', '/chat.js': 'chat.js' };

/** Nothing but the page's own files, and Chaperone: its script, and its API. */
const policy = [
  "default-src 'none'",
  `script-src 'self' ${chaperone}`,
  `connect-src ${chaperone}`,
  "style-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const server = createServer(async (request, response) => {
  const file = files[request.url?.split('?', 1)[0] ?? ''];
  if (!file) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n');
    return;
  }
  const text = await readFile(new URL(file, import.meta.url), 'utf8');
  const type = types[file.split('.').at(-1) ?? ''];
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': policy });
  response.end(text.replace('http://127.0.0.1:8000', chaperone));
});

server.listen(port, '127.0.0.1', () => process.stdout.write(`http://localhost:${port}\n`));
