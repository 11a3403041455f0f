import { permittedParameters } from '../../crds/persona-parameters.ts';
import type { RowOpener } from './row-opener.ts';

/**
 * Makes an opener that opens nothing: personas have no text, and keys no secret. It is for who asks what the rules say,
 * and sends nothing.
 *
 * @param actsFor whether the proxy in question acts for a namespace
 */
export function makeBlindOpener(actsFor: (namespace: string) => boolean): RowOpener {
  return {
    serves: ({ serves_namespace: namespace }) => namespace == null || actsFor(namespace),
    isOwn: ({ resource }) => actsFor(resource?.split('/', 1)[0] ?? ''),
    persona: (row) => ({
      id: row.persona_id,
      resource: row.resource,
      name: row.name,
      description: row.description,
      content: '',
      users: new Set(row.users),
      model: row.model ?? undefined,
      parameters: permittedParameters(row.parameters),
      isActive: row.is_active,
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }),
    secret: () => '',
    servingKey: () => '',
  };
}
