import type { Queryable } from './queryable.ts';

/** What placeholders in texts of a user stand for. */
export interface AnonymizationRow {
  readonly anonymizationId: string;
  readonly userId: string;
  /** JSON: the replacements in their order. */
  readonly mappingSealed: Uint8Array;
}

/** Keeps a mapping, in the place of a former one of the same id and user. */
export async function upsertAnonymization(
  db: Queryable,
  organizationId: string,
  { anonymizationId, userId, mappingSealed }: AnonymizationRow,
): Promise<void> {
  await db.query(
    `insert into chaperone.anonymizations as a (organization_id, anonymization_id, user_id, mapping_encrypted)
     values ($1::uuid, $2::text, $3::uuid, $4::bytea)
     on conflict (organization_id, anonymization_id) do update
       set mapping_encrypted = excluded.mapping_encrypted, updated_at = clock_timestamp()
       where a.user_id = excluded.user_id`,
    [organizationId, anonymizationId, userId, mappingSealed],
  );
}

export async function findAnonymization(
  db: Queryable,
  organizationId: string,
  anonymizationId: string,
): Promise<AnonymizationRow | undefined> {
  const { rows } = await db.query<AnonymizationRow>(
    `select anonymization_id as "anonymizationId", user_id as "userId", mapping_encrypted as "mappingSealed"
     from chaperone.anonymizations
     where organization_id = $1::uuid and anonymization_id = $2::text and mapping_encrypted is not null`,
    [organizationId, anonymizationId],
  );
  return rows[0];
}

/** Nobody else changes what it finds until the transaction ends. */
export async function lockAnonymization(
  db: Queryable,
  organizationId: string,
  anonymizationId: string,
): Promise<AnonymizationRow | undefined> {
  const { rows } = await db.query<AnonymizationRow>(
    `select anonymization_id as "anonymizationId", user_id as "userId", mapping_encrypted as "mappingSealed"
     from chaperone.anonymizations
     where organization_id = $1::uuid and anonymization_id = $2::text and mapping_encrypted is not null
     for update`,
    [organizationId, anonymizationId],
  );
  return rows[0];
}

/** Erases a mapping. @returns whether there was one of this user's; null: anybody's */
export async function forgetAnonymization(
  db: Queryable,
  organizationId: string,
  anonymizationId: string,
  userId: string | null,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.anonymizations set mapping_encrypted = null, updated_at = clock_timestamp()
     where organization_id = $1::uuid and anonymization_id = $2::text and mapping_encrypted is not null
       and ($3::uuid is null or user_id = $3::uuid)`,
    [organizationId, anonymizationId, userId],
  );
  return rowCount === 1;
}
