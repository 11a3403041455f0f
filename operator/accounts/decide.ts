import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { type AccountRow, openPasswordHash, sealPasswordHash } from '../../database/accounts/accounts.ts';
import { type Envelope, EnvelopeError } from '../../database/envelope.ts';
import { userIdOf } from '../../database/ids.ts';
import type { JudgedHash } from './secret.ts';

export type StatedAccount = NonNullable<NonNullable<OrganizationSpec['authentication']>['accounts']>[number];

/** An account that the Organization states, with the hash that it names. */
export interface GatheredAccount {
  readonly stated: StatedAccount;
  readonly judged: JudgedHash;
}

export interface GatheredAccounts {
  readonly organizationId: string;
  readonly accounts: readonly GatheredAccount[];
  readonly rows: readonly AccountRow[];
}

export interface AccountsDecision {
  readonly writes: readonly AccountRow[];
  /** The ids of those that may not log in any more. */
  readonly removals: readonly string[];
}

/**
 * Decides which rows change, so that an equal row is not written. Whose hash is missing or unusable for the moment keeps
 * the one before; whose Secret may not be used has none.
 */
export function decideAccounts(
  { organizationId, accounts, rows }: GatheredAccounts,
  envelope: Envelope,
): AccountsDecision {
  const known = new Map(rows.map((row) => [row.accountId, row]));
  const kept = new Set<string>();
  const writes = accounts.flatMap(({ stated, judged }) => {
    const accountId = userIdOf(organizationId, stated.user);
    const place = { organizationId, accountId };
    const row = known.get(accountId);
    if (judged.state !== 'not permitted') kept.add(accountId);
    if (judged.state !== 'permitted') return [];
    if (row && envelope.isCurrent(row.passwordSealed) && open(envelope, place, row) === judged.hash) return [];
    return [{ accountId, passwordSealed: sealPasswordHash(envelope, place, judged.hash) }];
  });
  return { writes, removals: [...known.keys()].filter((id) => !kept.has(id)) };
}

/** Undefined: the data key that sealed it was lost. */
function open(
  envelope: Envelope,
  place: { readonly organizationId: string; readonly accountId: string },
  { passwordSealed }: AccountRow,
): string | undefined {
  try {
    return openPasswordHash(envelope, place, passwordSealed);
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}
