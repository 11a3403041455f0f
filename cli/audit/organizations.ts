import { listOrganizations, type OrganizationRow } from '../../database/organizations.ts';
import type { Queryable } from '../../database/queryable.ts';

/** Finds all organizations, or the one of this name. @throws where there is none of this name */
export async function findOrganizations(db: Queryable, name: string | undefined): Promise<OrganizationRow[]> {
  const found = await listOrganizations(db, name);
  if (name !== undefined && found.length === 0) throw new Error(`There is no organization "${name}" in the database`);
  return found;
}
