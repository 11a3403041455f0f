import type { FastifyInstance } from 'fastify';

/** `GET /`: the console, for who opens the proxy in a browser; for all others, the addresses of the API. */
export function registerFrontPage(app: FastifyInstance): void {
  app.get('/', { schema: { hide: true } }, (request, reply) => {
    reply.headers({ 'x-request-id': request.id, vary: 'accept' });
    if (wantsPage(request.headers.accept)) return reply.redirect('/console');
    return reply.send({ name: 'Chaperone', api: '/v1', docs: '/docs', openapi: '/openapi.json' });
  });
}

/** Browsers accept `text/html`; API clients do not name it. */
function wantsPage(accept = ''): boolean {
  return accept.split(',').some((range) => /^\s*text\/html\s*(;|$)(?!.*\bq=0(\.0*)?\s*$)/i.test(range));
}
