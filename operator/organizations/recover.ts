import { digestOfDataKey } from '../../database/data-key-digests.ts';
import type { DataKeySet } from '../../database/envelope.ts';
import type { OrganizationCredentials } from '../credentials.ts';

/**
 * Recovers lost credentials from the copies in member namespaces. It trusts only data keys whose digests the database
 * has, from any copy, and the login, which the database can verify. Writers of Secrets in a member namespace can put
 * anything into a copy.
 *
 * @param digests the digests of the organization's data keys in the database
 * @returns undefined where no copy has a key of the organization
 */
export function recoverCredentials(
  copies: readonly OrganizationCredentials[],
  digests: readonly string[],
): OrganizationCredentials | undefined {
  const proven = copies
    .map((copy) => ({ copy, keys: provenKeys(copy.dataKeys, digests) }))
    .filter(({ keys }) => Object.keys(keys).length > 0);
  const [first] = proven;
  if (!first) return undefined;
  const keys = Object.assign({}, ...proven.map(({ keys: some }) => some).toReversed()) as DataKeySet['keys'];
  const sets = proven.map(({ copy }) => copy.dataKeys);
  const current = sets.map((set) => set.current).find((id) => Object.hasOwn(keys, id)) ?? Object.keys(keys)[0] ?? '';
  return {
    organization: first.copy.organization,
    databaseUrl: first.copy.databaseUrl,
    jwks: { keys: [] },
    dataKeys: {
      current,
      keys,
      issuedAtS: timesOf(keys, sets, 'issuedAtS'),
      usedFromS: timesOf(keys, sets, 'usedFromS'),
      ...leakOf(sets),
    },
    // Counts as old, so that a password that rotates is replaced at once.
    loginIssuedAtS: 0,
  };
}

function provenKeys(dataKeys: DataKeySet | undefined, digests: readonly string[]): DataKeySet['keys'] {
  const entries = Object.entries(dataKeys?.keys ?? {});
  return Object.fromEntries(
    entries.filter(([id, base64]) => typeof base64 === 'string' && digests.includes(digestOfDataKey(id, base64))),
  );
}

/** Where any of the copies says that keys have leaked, they have. */
function leakOf(sets: readonly DataKeySet[]): Pick<DataKeySet, 'leakedBeforeS'> {
  const moments = sets.map(({ leakedBeforeS }) => leakedBeforeS).filter(Number.isSafeInteger);
  return moments.length === 0 ? {} : { leakedBeforeS: Math.max(...moments.map(Number)) };
}

/** The first plausible time of each key in the copies. */
function timesOf(
  keys: DataKeySet['keys'],
  sets: readonly DataKeySet[],
  field: 'issuedAtS' | 'usedFromS',
): Record<string, number> {
  return Object.fromEntries(
    Object.keys(keys).flatMap((id) => {
      const time = sets.map((set) => set[field]?.[id]).find((one) => Number.isSafeInteger(one) && Number(one) >= 0);
      return time === undefined ? [] : [[id, time]];
    }),
  );
}
