import { Type } from 'typebox';
import type { GovernanceContext } from '../../../governance/context.ts';
import { openPicture } from '../../../governance/insights/explain/picture.ts';
import type { Route } from '../../../http/route.ts';
import { tags } from './fields.ts';
import { drawPicture } from './picture-svg.ts';

const headers = {
  'content-type': 'image/svg+xml; charset=utf-8',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'cross-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** `GET /api/v1/ai/visualizations/{id}`: browsers send no credential for a picture, so its address opens it. */
export const visualizationRoute: Route<GovernanceContext> = (app, context) => {
  app.route({
    method: 'GET',
    url: '/ai/visualizations/:id',
    config: { anonymous: true },
    schema: {
      tags,
      summary: 'Get the picture of an explanation',
      description: 'At the address that `POST /api/v1/ai/explain` gives. It needs no credential, and expires.',
      params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
      querystring: Type.Object({ content: Type.String({ minLength: 1, maxLength: 16_000 }) }),
      problems: ['surface_not_allowed', 'resource_not_found'],
      answers: { 200: { description: 'The picture.', content: { 'image/svg+xml': {} } } },
    },
    async handler({ params, query }, reply) {
      const { picture, expiresAtMs } = openPicture(context, { id: params.id, sealed: query.content });
      const leftS = Math.max(0, Math.floor((expiresAtMs - Date.now()) / 1_000));
      return reply.headers({ ...headers, 'cache-control': `private, max-age=${leftS}` }).send(drawPicture(picture));
    },
  });
};
