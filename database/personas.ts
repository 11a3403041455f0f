import type { Queryable } from './queryable.ts';

/** A persona as a YAML resource states it; `contentSealed` is sealed for `personas.content` of this persona. */
export interface PersonaWrite {
  readonly organizationId: string;
  readonly personaId: string;
  /** `namespace/name` of the Persona that owns the row. */
  readonly resource: string;
  readonly name: string;
  readonly description: string | null;
  readonly contentSealed: Uint8Array;
  readonly users: readonly string[];
  readonly model: string | null;
  readonly parameters: object;
  readonly isActive: boolean;
}

/**
 * Stores the persona.
 *
 * @throws Postgres error 23505 on `personas_name` where another persona of the organization has the name
 */
export async function upsertPersona(db: Queryable, persona: PersonaWrite): Promise<void> {
  await db.query(
    `insert into chaperone.personas as p
       (organization_id, persona_id, resource, name, description, content_encrypted, users, model, parameters, is_active)
     values ($1::uuid, $2::uuid, $3::text, $4::text, $5::text, $6::bytea, $7::text[], $8::text, $9::jsonb, $10::boolean)
     on conflict (organization_id, persona_id) do update
       set resource = excluded.resource, name = excluded.name, description = excluded.description,
           content_encrypted = excluded.content_encrypted, users = excluded.users, model = excluded.model,
           parameters = excluded.parameters, is_active = excluded.is_active, deleted_at = null, updated_at = now()`,
    [
      persona.organizationId,
      persona.personaId,
      persona.resource,
      persona.name,
      persona.description,
      persona.contentSealed,
      persona.users,
      persona.model,
      JSON.stringify(persona.parameters),
      persona.isActive,
    ],
  );
}

/** A stored persona, to compare with what it should be. */
export async function findPersona(
  db: Queryable,
  organizationId: string,
  personaId: string,
): Promise<PersonaWrite | undefined> {
  const { rows } = await db.query<PersonaWrite>(
    `select organization_id as "organizationId", persona_id as "personaId", resource, name, description,
            content_encrypted as "contentSealed", users, model, parameters, is_active as "isActive"
     from chaperone.personas
     where organization_id = $1::uuid and persona_id = $2::uuid and deleted_at is null`,
    [organizationId, personaId],
  );
  return rows[0];
}

/** Takes the persona out of use. The row stays, since requests refer to it. */
export async function deletePersona(db: Queryable, organizationId: string, personaId: string): Promise<void> {
  await db.query(
    `update chaperone.personas
     set deleted_at = now(), is_active = false
     where organization_id = $1::uuid and persona_id = $2::uuid and deleted_at is null`,
    [organizationId, personaId],
  );
}
