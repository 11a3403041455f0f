import type { FastifyInstance } from 'fastify';

/** `GET /`: says where everything is, to those who open the proxy's address in a browser or try it with curl. */
export function registerFrontPage(app: FastifyInstance): void {
  app.get('/', { schema: { hide: true } }, (request, reply) => {
    reply.headers({ 'x-request-id': request.id, vary: 'accept' });
    if (wantsPage(request.headers.accept)) return reply.redirect('/docs');
    return reply.send({ name: 'Chaperone', api: '/v1', docs: '/docs', openapi: '/openapi.json' });
  });
}

/** Browsers name `text/html`; clients of APIs do not. */
function wantsPage(accept = ''): boolean {
  return accept.split(',').some((range) => /^\s*text\/html\s*(;|$)(?!.*\bq=0(\.0*)?\s*$)/i.test(range));
}
