import type { ApiClient } from './api-client.ts';

/** Under this name the operator owns the fields it writes. */
export const fieldManager = 'chaperone-operator';

/**
 * Server-side apply: the server has what `body` says, and no longer what this manager said before and does not now.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export function apply<Answer>(client: ApiClient, path: string, body: object): Promise<Answer> {
  return client.send<Answer>({
    method: 'PATCH',
    path,
    query: { fieldManager, force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body,
  });
}
