import { permittedParameters } from '../../crds/persona-parameters.ts';
import type { ConfigApiKey, ConfigDeployment, ConfigPersona } from '../../database/config.ts';
import { openServingKey } from '../../database/training/serving-key.ts';
import { type Envelopes, envelopeFor } from './envelopes.ts';
import type { Persona } from './snapshot.ts';

/** Opens sealed rows. It remembers opened rows, since most rows of a new snapshot are those of the last one. */
export type RowOpener = ReturnType<typeof makeRowOpener>;

/** Makes an opener for one organization's personas and keys. */
export function makeRowOpener(organizationId: string, envelopes: Envelopes) {
  const personas = new WeakMap<ConfigPersona, Persona>();
  const secrets = new WeakMap<ConfigApiKey, string>();
  const open = (row: ConfigPersona | ConfigApiKey, column: string, rowId: string, sealed: string) => {
    const envelope = envelopeFor(envelopes, row.serves_namespace);
    if (!envelope) throw new TypeError(`${column} of ${rowId} serves namespace "${row.serves_namespace}"`);
    return envelope.open({ organizationId, column, rowId }, Buffer.from(sealed, 'base64')).toString();
  };
  return {
    /** Whether the row serves this proxy. A row that serves another namespace is not opened. */
    serves: (row: ConfigPersona | ConfigApiKey): boolean => envelopeFor(envelopes, row.serves_namespace) !== undefined,
    /** Whether the proxy acts for the namespace of the resource that owns the row. */
    isOwn: (row: ConfigApiKey): boolean => envelopes.namespaces.has(namespaceOf(row)),
    persona(row: ConfigPersona): Persona {
      const known = personas.get(row);
      if (known) return known;
      const persona: Persona = {
        id: row.persona_id,
        resource: row.resource,
        name: row.name,
        description: row.description,
        content: open(row, 'personas.content', row.persona_id, row.content_sealed),
        users: new Set(row.users),
        model: row.model ?? undefined,
        parameters: permittedParameters(row.parameters),
        isActive: row.is_active,
        createdAt: new Date(row.created_at).toISOString(),
        updatedAt: new Date(row.updated_at).toISOString(),
      };
      personas.set(row, persona);
      return persona;
    },
    secret(row: ConfigApiKey): string {
      const known = secrets.get(row) ?? open(row, 'api_keys.key', row.api_key_id, row.key_sealed);
      secrets.set(row, known);
      return known;
    },
    /** @throws {EnvelopeError} where the data key is lost, or not here yet */
    servingKey({ deployment_id: deploymentId, key_sealed: sealed }: ConfigDeployment): string {
      return openServingKey(envelopes.organization, { organizationId, deploymentId }, Buffer.from(sealed, 'base64'));
    },
  };
}

/** The namespace of the resource that owns the row. */
export function namespaceOf({ resource }: ConfigApiKey): string {
  return resource?.split('/', 1)[0] ?? '';
}
