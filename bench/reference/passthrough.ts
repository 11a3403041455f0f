// The reference: a minimal passthrough with fastify and undici. It governs nothing and counts nothing. node
// bench/reference/passthrough.ts UPSTREAM_ORIGIN
import Fastify from 'fastify';
import { Pool } from 'undici';

const [, , origin] = process.argv;
if (origin === undefined) throw new Error('usage: node bench/reference/passthrough.ts UPSTREAM_ORIGIN');
const upstream = new Pool(origin);
const app = Fastify();

app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.post<{ Body: Buffer }>('/v1/chat/completions', async (request, reply) => {
  const { accept = '*/*', authorization = '' } = request.headers;
  const answer = await upstream.request({
    method: 'POST',
    path: request.url,
    headers: { 'content-type': 'application/json', accept, authorization },
    body: request.body,
  });
  const { 'content-type': contentType, 'content-length': contentLength } = answer.headers;
  reply.code(answer.statusCode).headers({ 'content-type': contentType });
  // A chunked answer has no length.
  if (contentLength !== undefined) reply.header('content-length', contentLength);
  return reply.send(answer.body);
});

await app.listen({ host: '127.0.0.1', port: 0 });
process.send?.(app.server.address());
process.on('disconnect', () => process.exit());
