import { ProxyError } from '../../error.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import type { OpenAiContext } from './context.ts';

/**
 * `POST /v1/realtime/client_secrets`: an ephemeral key of the proxy's own, with which a browser opens sessions for this
 * user. The provider's key stays here.
 *
 * @see https://platform.openai.com/docs/api-reference/realtime-sessions/create-realtime-client-secret
 */
export function registerClientSecrets(app: SurfaceApp, { pipeline }: OpenAiContext): void {
  const schema = {
    tags: ['Calls'],
    summary: 'Make an ephemeral key for the Realtime API',
    description:
      'A key `ek_…` of the proxy, with which a browser opens sessions (`GET /v1/realtime`) as the user and in the session of this request, with `session` as their configuration; `session.persona_id` names a persona. The provider’s key is never given out. It ends with the credential that made it.',
    problems: [
      ...([
        'invalid_json',
        'invalid_request',
        'persona_not_found',
        'model_not_allowed',
        'surface_not_allowed',
      ] as const),
      ...([
        'no_api_key',
        'ceiling_exceeded',
        'tool_not_allowed',
        'guardrail_blocked',
        'guardrail_unavailable',
      ] as const),
    ],
    origin: 'own',
    answers: {
      200: {
        description: 'The key (`value`), when it expires (`expires_at`, in seconds since 1970), and its session.',
      },
    },
  } as const;
  // Sessions themselves do not come here: node:http hands them over before any route.
  for (const path of ['/realtime', '/responses'])
    app.get(path, () => {
      throw new ProxyError('websocket_required');
    });
  app.post<{ Body: Buffer | undefined }>('/realtime/client_secrets', { schema }, async (request) => {
    const { makeSecret, readSecretRequest } = await import('../../sockets/mint.ts');
    const asked = readSecretRequest(request.body ?? Buffer.alloc(0));
    return makeSecret(pipeline, request.callContext, request.headers, asked);
  });
}
