import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SurfaceApp } from '../../http/surface.ts';
import type { SurfaceContext } from '../context.ts';
import { makeDocument } from './document.ts';
import { registerFrontPage } from './front-page.ts';

/** The reader's files: beside this module in the built program, in their package otherwise. */
const places = [
  join(import.meta.dirname, 'reader'),
  join(import.meta.dirname, '../../../node_modules/@fastify/swagger-ui/static'),
];

const files: Readonly<Record<string, string>> = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
};

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Chaperone API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/reference.js"></script>
</body>
</html>
`;
const script = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  validatorUrl: null,
});
`;
/** Nothing from anywhere else: the page works offline, and no other page can frame it. */
const contentSecurityPolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

/**
 * `/openapi.json`, `/docs`, which shows it, and `/`. None needs a credential: what they tell is in the project's
 * repository, too.
 */
export function registerDocs(app: SurfaceApp, context: SurfaceContext): void {
  let document: Promise<string> | undefined;
  const readDocument = () => {
    document ??= makeDocument(context).catch((error: unknown) => {
      document = undefined;
      throw error;
    });
    return document;
  };
  registerFrontPage(app);
  app.register(async (documents) => {
    documents.addHook('onSend', async (_request, reply) => {
      reply.headers({ 'content-security-policy': contentSecurityPolicy, 'x-content-type-options': 'nosniff' });
    });
    documents.get('/openapi.json', async (_request, reply) =>
      reply.type('application/json; charset=utf-8').send(await readDocument()),
    );
    documents.get('/docs', (_request, reply) => reply.type('text/html; charset=utf-8').send(html));
    documents.get('/docs/', (_request, reply) => reply.redirect('/docs'));
    documents.get('/docs/reference.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(script));
    for (const [name, type] of Object.entries(files)) {
      documents.get(`/docs/${name}`, (_request, reply) => {
        const file = places.map((place) => join(place, name)).find((candidate) => existsSync(candidate));
        if (!file) return reply.callNotFound();
        return reply.type(type).header('cache-control', 'max-age=86400').send(createReadStream(file));
      });
    }
  });
}
