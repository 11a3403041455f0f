import { findOrganization } from '../database/organizations.ts';
import type { Queryable } from '../database/queryable.ts';
import { readStatedRules } from '../database/rule-use.ts';

/**
 * Finds the organization of a command. One that is not named is the only one that there is.
 *
 * @param db the owner's connection
 * @throws {Error} where there is no such organization, or several
 */
export async function requireOrganization(
  db: Queryable,
  name: string | undefined,
): Promise<{ readonly id: string; readonly name: string }> {
  if (name !== undefined) {
    const found = await findOrganization(db, name);
    if (!found) throw new Error(`There is no organization "${name}" in the database`);
    return { id: found.organizationId, name };
  }
  const [only, ...others] = await readStatedRules(db, undefined);
  if (!only) throw new Error('There is no organization in the database');
  if (others.length > 0) {
    const names = [only, ...others].map((organization) => organization.name).join(', ');
    throw new Error(`--organization is needed, since there are several: ${names}`);
  }
  return { id: only.organizationId, name: only.name };
}
