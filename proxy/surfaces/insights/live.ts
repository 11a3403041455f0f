import { Type } from 'typebox';
import { ProxyError } from '../../error.ts';
import { admitRole } from '../../governance/roles.ts';
import { readers } from '../../http/described.ts';
import { route } from './route.ts';

/** `/websocket`. Sessions themselves do not come here: node:http hands them over before any route. */
export const liveRoute = route(
  'GET',
  '/websocket',
  {
    tags: ['Live'],
    summary: 'Watch what happens',
    description:
      'A WebSocket for analysts, reviewers and admins. Its messages are `{"event", "data", "timestamp"}`: `system_status` at once and every 15 seconds, `queue_update` for each change of the review queue, `sentiment_alert` for a text of a very unhappy customer. Browsers, which cannot set headers, send the token in the address.',
    querystring: Type.Object({
      token: Type.Optional(Type.String({ maxLength: 8_192, description: 'In place of the header Authorization.' })),
    }),
    problems: ['surface_not_allowed', 'role_required', 'overloaded', 'websocket_required'],
    roles: readers,
    response: { 101: Type.Null({ description: 'The session is open.' }) },
  },
  async ({ caller }) => {
    // A WebSocket does not tell why it was refused: clients ask by HTTP.
    admitRole(caller, 'analyst', 'reviewer');
    throw new ProxyError('websocket_required');
  },
);
