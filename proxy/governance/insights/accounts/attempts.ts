import { createHmac } from 'node:crypto';
import { type AttemptSubject, beginAttempt, endAttempt } from '../../../../database/accounts/login-attempts.ts';
import { ProxyError } from '../../../error.ts';
import type { GovernanceContext } from '../../context.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

/** Who tries to log in, and from where. */
export interface Attempt {
  /** The id of the user that was named, whether there is such an account or not. */
  readonly accountId: string;
  readonly address: string;
}

/** From one address, an account is locked soon: that is who guesses, or its owner, who can wait. */
const ofBoth = { free: 5, firstS: 30, mostS: 3_600 };
/** From all addresses together, it is locked late and never for long: nobody shall be able to lock others out. */
const ofAccount = { free: 50, firstS: 2, mostS: 60 };
/** Many people may share an address. */
const ofAddress = { free: 30, firstS: 10, mostS: 900 };

/**
 * Counts an attempt to log in, before anything is looked at.
 *
 * @throws {ProxyError} `limit_reached` where there were too many, whether or not there is such an account
 */
export async function admitAttempt(context: Context, { accountId, address }: Attempt): Promise<void> {
  const addressDigest = digestOf(context, address);
  const subjects: AttemptSubject[] = [
    { accountId, addressDigest, backoff: ofBoth },
    { accountId, addressDigest: null, backoff: ofAccount },
    { accountId: null, addressDigest, backoff: ofAddress },
  ];
  const until = await context.store.run((db) => beginAttempt(db, organizationOf(context), subjects));
  if (!until) return;
  const waitS = Math.max(1, Math.ceil((until.getTime() - Date.now()) / 1_000));
  throw new ProxyError('limit_reached', {
    message: `Too many logins have failed; try again in ${waitS} s, at ${until.toISOString()}`,
    details: { retry_after: waitS },
    headers: { 'retry-after': String(waitS) },
    rule: { kind: 'limit', name: 'failed logins' },
  });
}

/** Notes that the attempt was no failure. */
export async function noteSuccess(context: Context, { accountId, address }: Attempt): Promise<void> {
  const digest = digestOf(context, address);
  await context.store.run((db) => endAttempt(db, organizationOf(context), accountId, digest));
}

/** Addresses are few enough to be tried, so the digest has a key. */
function digestOf({ inForce }: Context, address: string): Buffer {
  const { snapshot, envelope } = inForce();
  const key = envelope.lastingKey(snapshot.organizationId, 'login addresses');
  return createHmac('sha256', key).update(address).digest();
}

function organizationOf({ inForce }: Context): string {
  return inForce().snapshot.organizationId;
}
