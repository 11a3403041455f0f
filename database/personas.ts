import { toBytea } from './bytea.ts';
import type { Queryable } from './queryable.ts';

/** A persona as a YAML resource states it. `contentSealed` is sealed for `personas.content`. */
export interface PersonaWrite {
  readonly organizationId: string;
  readonly personaId: string;
  /** `namespace/name` of the Persona that owns the row. */
  readonly resource: string;
  /** The only namespace whose pods may use the persona; its key seals the text. Null: all member namespaces. */
  readonly servesNamespace: string | null;
  readonly name: string;
  readonly description: string | null;
  readonly contentSealed: Uint8Array;
  readonly users: readonly string[];
  readonly model: string | null;
  readonly parameters: object;
  readonly isActive: boolean;
}

/**
 * Stores the personas, all or none. No persona may be among them twice.
 *
 * @throws Postgres error 23505 on `personas_name` where another persona of the organization has the name of one
 */
export async function upsertPersonas(db: Queryable, personas: readonly PersonaWrite[]): Promise<void> {
  const rows = personas.map(({ contentSealed, ...row }) => ({ ...row, contentSealed: toBytea(contentSealed) }));
  await db.query(
    `insert into chaperone.personas as p
       (organization_id, persona_id, resource, name, description, content_encrypted, users, model, parameters, is_active,
        serves_namespace)
     select "organizationId", "personaId", resource, name, description, "contentSealed", users, model, parameters,
            "isActive", "servesNamespace"
     from json_to_recordset($1::json) as row (
       "organizationId" uuid, "personaId" uuid, resource text, name text, description text, "contentSealed" bytea,
       users text[], model text, parameters jsonb, "isActive" boolean, "servesNamespace" text
     )
     on conflict (organization_id, persona_id) do update
       set resource = excluded.resource, name = excluded.name, description = excluded.description,
           content_encrypted = excluded.content_encrypted, users = excluded.users, model = excluded.model,
           parameters = excluded.parameters, is_active = excluded.is_active,
           serves_namespace = excluded.serves_namespace, deleted_at = null, updated_at = now()`,
    [JSON.stringify(rows)],
  );
}

/** Reads stored personas by id, to compare them with the resources. */
export async function findPersonas(
  db: Queryable,
  organizationId: string,
  personaIds: readonly string[],
): Promise<ReadonlyMap<string, PersonaWrite>> {
  const { rows } = await db.query<PersonaWrite>(
    `select organization_id as "organizationId", persona_id as "personaId", resource, name, description,
            serves_namespace as "servesNamespace",
            content_encrypted as "contentSealed", users, model, parameters, is_active as "isActive"
     from chaperone.personas
     where organization_id = $1::uuid and persona_id = any($2::uuid[]) and deleted_at is null`,
    [organizationId, personaIds],
  );
  return new Map(rows.map((row) => [row.personaId, row]));
}

/**
 * Takes the persona out of use. The row stays, since requests refer to it.
 *
 * @returns whether it was in use
 */
export async function deletePersona(db: Queryable, organizationId: string, personaId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.personas
     set deleted_at = now(), is_active = false
     where organization_id = $1::uuid and persona_id = $2::uuid and deleted_at is null`,
    [organizationId, personaId],
  );
  return rowCount === 1;
}

/** Changes that the API may make to a persona that it created. Absent fields stay as they are. */
export interface PersonaChanges {
  readonly name?: string | undefined;
  /** Null removes the description. */
  readonly description?: string | null | undefined;
  readonly contentSealed?: Uint8Array | undefined;
  readonly users?: readonly string[] | undefined;
  readonly model?: string | null | undefined;
  readonly parameters?: object | undefined;
  readonly isActive?: boolean | undefined;
}

/**
 * Stores a persona that the API creates.
 *
 * @throws Postgres error 23505 on `personas_name` where another persona of the organization has the name
 */
export async function insertPersona(
  db: Queryable,
  persona: Omit<PersonaWrite, 'resource' | 'servesNamespace'>,
): Promise<void> {
  await db.query(
    `insert into chaperone.personas
       (organization_id, persona_id, name, description, content_encrypted, users, model, parameters, is_active)
     values ($1::uuid, $2::uuid, $3::text, $4::text, $5::bytea, $6::text[], $7::text, $8::jsonb, $9::boolean)`,
    [
      persona.organizationId,
      persona.personaId,
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

/**
 * Changes a persona that the API created.
 *
 * @returns whether there was one
 * @throws Postgres error 23505 on `personas_name` where another persona of the organization has the name
 */
export async function updatePersona(
  db: Queryable,
  organizationId: string,
  personaId: string,
  changes: PersonaChanges,
): Promise<boolean> {
  const { description, model, parameters } = changes;
  const { rowCount } = await db.query(
    `update chaperone.personas
     set name = coalesce($3::text, name),
         description = case when $4::boolean then $5::text else description end,
         content_encrypted = coalesce($6::bytea, content_encrypted),
         users = coalesce($7::text[], users),
         model = case when $8::boolean then $9::text else model end,
         parameters = coalesce($10::jsonb, parameters),
         is_active = coalesce($11::boolean, is_active),
         updated_at = now()
     where organization_id = $1::uuid and persona_id = $2::uuid and resource is null and deleted_at is null`,
    [
      organizationId,
      personaId,
      changes.name ?? null,
      description !== undefined,
      description ?? null,
      changes.contentSealed ?? null,
      changes.users ?? null,
      model !== undefined,
      model ?? null,
      parameters === undefined ? null : JSON.stringify(parameters),
      changes.isActive ?? null,
    ],
  );
  return rowCount === 1;
}

/**
 * Takes a persona that the API created out of use. A persona that calls were made with is deactivated, so that their
 * cost keeps its name; any other is deleted.
 *
 * @returns what became of it; undefined where there is none
 */
export async function retirePersona(
  db: Queryable,
  organizationId: string,
  personaId: string,
): Promise<'deleted' | 'deactivated' | undefined> {
  const { rows } = await db.query<{ outcome: 'deleted' | 'deactivated' }>(
    `update chaperone.personas
     set is_active = false, updated_at = now(),
         deleted_at = case when exists (
           select from chaperone.requests where organization_id = $1::uuid and persona_id = $2::uuid) then null else now() end
     where organization_id = $1::uuid and persona_id = $2::uuid and resource is null and deleted_at is null
     returning case when deleted_at is null then 'deactivated' else 'deleted' end as outcome`,
    [organizationId, personaId],
  );
  return rows[0]?.outcome;
}
