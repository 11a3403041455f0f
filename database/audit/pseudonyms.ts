import { userIdOf } from '../ids.ts';
import type { Queryable } from '../queryable.ts';
import { toStorable } from '../storable.ts';

/** The names of users that an entry has, with the time that it is about. */
interface Named {
  readonly name: string;
  readonly at: string;
}

/** Who asks: a proxy for its own organization, or the owner for any. */
export type Login = 'proxy' | 'owner';

/**
 * Replaces the users in entries by their pseudonyms. Users without one get one.
 *
 * @param entries each with the time that it is about, since that of before a user's erasure is the anonymous user's
 */
export async function withPseudonyms<T>(
  db: Queryable,
  login: Login,
  organizationId: string,
  entries: readonly { readonly at: string; readonly value: T }[],
): Promise<T[]> {
  const names = new Map<string, Named>();
  for (const { at, value } of entries) collect(value, at, names);
  if (names.size === 0) return entries.map(({ value }) => value);
  const people = await readPseudonyms(db, login, organizationId, [...names.values()]);
  return entries.map(({ at, value }) => replace(value, at, people));
}

function collect(value: unknown, at: string, names: Map<string, Named>): void {
  const name = nameOf(value);
  if (name !== undefined) names.set(keyOf(name, at), { name, at });
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) collect(inner, at, names);
}

function replace<T>(value: T, at: string, people: ReadonlyMap<string, string>): T;
function replace(value: unknown, at: string, people: ReadonlyMap<string, string>): unknown {
  const name = nameOf(value);
  if (name !== undefined) return people.get(keyOf(name, at)) ?? null;
  if (Array.isArray(value)) return value.map((inner) => replace(inner, at, people));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replace(inner, at, people)]));
}

function nameOf(value: unknown): string | undefined {
  const isNamed = typeof value === 'object' && value !== null && '$user' in value && typeof value.$user === 'string';
  return isNamed && Object.keys(value).length === 1 ? String(value.$user) : undefined;
}

function keyOf(name: string, at: string): string {
  return `${at} ${name}`;
}

async function readPseudonyms(
  db: Queryable,
  login: Login,
  organizationId: string,
  named: readonly Named[],
): Promise<Map<string, string>> {
  const users = JSON.stringify(
    // In one order, so that two writers of new people do not wait for each other.
    named
      .map(({ name, at }) => ({ user_id: userIdOf(organizationId, name), external_id: toStorable(name), at, name }))
      .toSorted((one, other) => (one.external_id < other.external_id ? -1 : 1)),
  );
  const columns = 'external_id, at, person';
  const { rows } =
    login === 'proxy'
      ? await db.query<PersonRow>(`select ${columns} from chaperone.audit_pseudonyms($1::jsonb)`, [users])
      : await db.query<PersonRow>(`select ${columns} from chaperone.audit_pseudonyms_of($1::uuid, $2::jsonb)`, [
          organizationId,
          users,
        ]);
  const found = new Map(rows.map(({ external_id, at, person }) => [keyOf(external_id, at), person]));
  return new Map(
    named.flatMap(({ name, at }) => {
      const person = found.get(keyOf(toStorable(name), at));
      return person === undefined ? [] : [[keyOf(name, at), person]];
    }),
  );
}

interface PersonRow {
  readonly external_id: string;
  readonly at: string;
  readonly person: string;
}

/** Finds the pseudonym of a user. Undefined where the log does not name the user, or the user was erased. */
export async function findPseudonym(
  db: Queryable,
  organizationId: string,
  externalId: string,
): Promise<string | undefined> {
  const { rows } = await db.query<{ person: string }>(
    `select person from chaperone.audit_people where organization_id = $1::uuid and external_id = $2::text`,
    [organizationId, toStorable(externalId)],
  );
  return rows[0]?.person;
}
