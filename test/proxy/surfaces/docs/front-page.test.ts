import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { registerFrontPage } from '../../../../proxy/surfaces/docs/front-page.ts';
import { atEnd } from '../../../scope.ts';

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

const cases: [name: string, accept: string | undefined, status: number][] = [
  ['a browser', browser, 302],
  ['text/html in capitals', 'TEXT/HTML', 302],
  ['curl', '*/*', 200],
  ['no header', undefined, 200],
  ['a client of APIs', 'application/json', 200],
  ['who refuses pages', 'text/html;q=0, application/json', 200],
];

for (const [name, accept, status] of cases) {
  test(`GET / answers ${name} with ${status}`, async (t) => {
    const app = Fastify();
    atEnd(t, () => app.close());
    registerFrontPage(app);
    const answer = await app.inject({ url: '/', ...(accept !== undefined && { headers: { accept } }) });
    assert.equal(answer.statusCode, status);
    assert.equal(answer.headers.vary, 'accept');
    assert.match(String(answer.headers['x-request-id']), /./);
    if (status === 302) assert.equal(answer.headers.location, '/console');
    else assert.deepEqual(answer.json(), { name: 'Chaperone', api: '/v1', docs: '/docs', openapi: '/openapi.json' });
  });
}
