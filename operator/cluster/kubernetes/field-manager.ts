import type { ApiClient } from './api-client.ts';

/** The field manager that owns the fields the operator writes. */
export const fieldManager = 'chaperone-operator';

/**
 * Server-side apply: sets the fields in `body`, and removes fields that this manager set before and no longer states.
 *
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/
 */
export function apply<Answer>(client: Pick<ApiClient, 'send'>, path: string, body: object): Promise<Answer> {
  return client.send<Answer>({
    method: 'PATCH',
    path,
    query: { fieldManager, force: 'true' },
    contentType: 'application/apply-patch+yaml',
    body,
  });
}
