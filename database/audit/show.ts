import type { ChainedEntry } from './chain.ts';

/**
 * Parses entries for people to read, with their users' ids in place of the pseudonyms. That of an erased user stays.
 *
 * @param readPeople reads the ids of users by their pseudonyms
 */
export async function showEntries(
  entries: readonly ChainedEntry[],
  readPeople: (people: readonly string[]) => Promise<ReadonlyMap<string, string>>,
): Promise<(ChainedEntry & { readonly fields: Readonly<Record<string, unknown>> })[]> {
  const parsed = entries.map((entry) => ({ ...entry, fields: JSON.parse(entry.entry) }));
  const people = new Set<string>();
  for (const { fields } of parsed) collectPeople(fields, people);
  const names = await readPeople([...people]);
  return parsed.map((entry) => ({ ...entry, fields: withNames(entry.fields, names) }));
}

const pseudonym = /^person:[0-9a-f]{64}$/;

function collectPeople(value: unknown, people: Set<string>): void {
  if (typeof value === 'string' && pseudonym.test(value)) people.add(value);
  else if (typeof value === 'object' && value !== null)
    for (const one of Object.values(value)) collectPeople(one, people);
}

function withNames<T>(value: T, names: ReadonlyMap<string, string>): T;
function withNames(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return names.get(value) ?? value;
  if (Array.isArray(value)) return value.map((one) => withNames(one, names));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withNames(one, names)]));
}
